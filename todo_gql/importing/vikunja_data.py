"""The data.json of a Vikunja export, read as a stream: it may be much larger than the archive."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import ijson

from todo_gql.importing.archives import Archive
from todo_gql.importing.json_values import JSONObject, json_object
from todo_gql.importing.records import UnreadableFile

FILE_NAME: Final = "data.json"
# A task has some hundred values at most, a project some thousand buckets and views.
MAX_VALUES_OF_TASK: Final = 20_000
MAX_VALUES_OF_PROJECT: Final = 100_000
MAX_VALUES: Final = 10_000_000
_TASKS: Final = "tasks"
_PROJECT_DEPTH, _TASK_DEPTH = 2, 4
_SCALARS: Final = ("null", "boolean", "integer", "double", "number", "string")


class Entry(NamedTuple):
    """A project without its tasks, given at its end, or one of its tasks by its index.

    `value` is None if it is no object, or has too many values.
    """

    project: int
    task: int | None
    value: JSONObject | None


class _Object:
    """An object that is put together from events."""

    def __init__(self, most: int) -> None:
        self._builder = ijson.ObjectBuilder()
        self._left = most

    def add(self, event: str, value: Any) -> None:
        self._left -= 1
        if self._left >= 0:
            self._builder.event(event, value)

    def value(self) -> JSONObject | None:
        return json_object(self._builder.value) if self._left >= 0 else None


def entries(archive: Archive) -> Iterator[Entry]:
    """The projects of an export and their tasks; raises `UnreadableFile`."""
    with archive.open(FILE_NAME) as stream:
        try:
            yield from _Assembly().entries(ijson.basic_parse(stream, use_float=True))
        except (ijson.JSONError, ValueError, OverflowError) as error:
            if isinstance(error, UnreadableFile):
                raise
            raise UnreadableFile(f"{FILE_NAME} isn't valid JSON.") from error


class _Assembly:
    """What the events so far have begun: a project, and one of its tasks."""

    def __init__(self) -> None:
        self._depth = 0
        self._projects = self._tasks = -1
        self._project: _Object | None = None
        self._task: _Object | None = None
        self._key = ""
        self._is_in_tasks = False

    def entries(self, events: Iterator[tuple[str, Any]]) -> Iterator[Entry]:
        """The entries that are complete, one after the other."""
        for number, (event, value) in enumerate(events):
            if number > MAX_VALUES:
                raise UnreadableFile(f"{FILE_NAME} has too many values.")
            if number == 0 and event != "start_array":
                raise UnreadableFile(f"{FILE_NAME} has no list of projects.")
            is_end = event in ("end_map", "end_array")
            self._depth -= is_end
            if not is_end:
                self._begin(event, value)
            self._add(event, value)
            self._depth += event in ("start_map", "start_array")
            if is_end or event in _SCALARS:
                yield from self._complete()

    def _begin(self, event: str, value: Any) -> None:
        if self._depth == _PROJECT_DEPTH - 1:
            self._projects += 1
            self._tasks = -1
            self._project = _Object(MAX_VALUES_OF_PROJECT) if event == "start_map" else None
        elif self._depth == _PROJECT_DEPTH and event == "map_key":
            self._key = value
        elif self._depth == _PROJECT_DEPTH and self._key == _TASKS:
            self._is_in_tasks = self._project is not None and event == "start_array"
        elif self._is_in_tasks and self._depth == _TASK_DEPTH - 1:
            self._tasks += 1
            self._task = _Object(MAX_VALUES_OF_TASK) if event == "start_map" else None

    def _add(self, event: str, value: Any) -> None:
        if self._task is not None:
            self._task.add(event, value)
        elif self._project is not None and (self._depth < _PROJECT_DEPTH or self._key != _TASKS):
            self._project.add(event, value)

    def _complete(self) -> Iterator[Entry]:
        """The task or project whose end was just read."""
        if self._is_in_tasks and self._depth == _TASK_DEPTH - 1:
            yield Entry(self._projects, self._tasks, self._task.value() if self._task else None)
            self._task = None
        elif self._depth == _PROJECT_DEPTH and self._key == _TASKS:
            self._is_in_tasks = False
        elif self._depth == _PROJECT_DEPTH - 1:
            yield Entry(self._projects, None, self._project.value() if self._project else None)
            self._project, self._key = None, ""
