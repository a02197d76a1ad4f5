"""Reading Google Tasks: the Tasks.json of Takeout, in its archive or alone, or answers of the API."""

from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, Final

from todo_gql.database.models import Status
from todo_gql.importing.archives import Archive, is_archive
from todo_gql.importing.contents import MAX_FILE_BYTES, read_bytes
from todo_gql.importing.drafts import Losses, PathIds, foreign_id, titled
from todo_gql.importing.json_values import (
    JSONObject,
    dumped,
    json_object,
    objects,
    parse_json,
    string,
)
from todo_gql.importing.moments import day_of_midnight, due_at, parse_moment
from todo_gql.importing.records import (
    ImportedDate,
    ImportedList,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
    UnreadableFile,
)

_FILE_NAME: Final = "tasks.json"


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The lists of an export, each with its tasks, whose subtasks name their `parent`.

    What is in it, not what its `kind` says, makes something a list. Times of day and repetitions aren't part of
    such files. Raises `UnreadableFile`.
    """
    value = parse_json(_content(read_bytes(file)))
    entries = value if isinstance(value, list) else json_object(value).get("items")
    if not isinstance(entries, list):
        raise UnreadableFile("The file has no lists or tasks of Google Tasks.")
    ids = PathIds()
    for index, entry in enumerate(entries):
        location = f"items[{index}]"
        if not isinstance(entry, dict):
            yield Problem(location, ProblemCode.INVALID, "This is neither a task nor a list.")
        elif _is_list(entry):
            yield from _list(entry, location, options, ids)
        else:
            yield from _todo(entry, location, None, options, ids)


def is_export(names: list[str]) -> bool:
    """Whether an archive with these names is one of Takeout with tasks in it."""
    return any(name.lower().endswith(_FILE_NAME) for name in names)


def _content(content: bytes) -> bytes:
    if not is_archive(content):
        return content
    archive = Archive(content)
    name = next((name for name in archive.names if name.lower().endswith(_FILE_NAME)), None)
    if name is None:
        raise UnreadableFile("The archive has no Tasks.json: choose Tasks in Google Takeout.")
    return archive.read(name, MAX_FILE_BYTES)


def _is_list(entry: JSONObject) -> bool:
    return "items" in entry or (
        "status" not in entry
        and str(entry.get("kind")).lower() in ("tasks#tasks", "tasks#tasklist")
    )


def _list(value: JSONObject, location: str, options: ReadOptions, ids: PathIds) -> Iterator[Item]:
    name = titled(string(value.get("title")))
    list_id = foreign_id(string(value.get("id")) or ids.next("list", name))
    yield ImportedList(list_id, location, name)
    tasks: Any = value.get("items")
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        task_location = f"{location}.items[{index}]"
        if isinstance(task, dict):
            yield from _todo(task, task_location, list_id, options, ids)
        else:
            yield Problem(task_location, ProblemCode.INVALID, "This is no task.")


def _todo(
    task: JSONObject, location: str, list_id: str | None, options: ReadOptions, ids: PathIds
) -> Iterator[Item]:
    if task.get("deleted") is True:
        return
    notes = string(task.get("notes"))
    title = titled(string(task.get("title")), notes)
    losses = Losses(location, title)
    for link in objects(task.get("links")):
        losses.add("Link", string(link.get("link")), "todos have no links")
    own_id = foreign_id(string(task.get("id")) or ids.next(list_id or "", title))
    parent_id = foreign_id(string(task.get("parent"))) or None
    is_done = task.get("status") == "completed"
    due = _due(task, losses, options)
    yield ImportedTodo(
        foreign_id=own_id,
        location=location,
        title=title,
        description=losses.described(notes),
        status=Status.COMPLETED if is_done else Status.PENDING,
        list_id=list_id,
        parent_id=None if parent_id == own_id else parent_id,
        due=due,
        created_at=_moment(task.get("created"), options),
        completed_at=_moment(task.get("completed"), options) if is_done else None,
    )
    yield from losses.problems


def _moment(value: Any, options: ReadOptions) -> datetime | None:
    return parse_moment(string(value), options.zone)


def _due(task: JSONObject, losses: Losses, options: ReadOptions) -> ImportedDate | None:
    """The due date: a day, stored as midnight in UTC or where it was set, or a time if it is none of a midnight."""
    value = task.get("due") or task.get("scheduled_time")
    if isinstance(value, list):
        value = json_object(value[0] if value else None).get("start")
    if value in (None, ""):
        return None
    moment = _moment(value, options)
    if moment is None:
        losses.add("Due", dumped(value), "it is no date", ProblemCode.INVALID)
        return None
    # Every zone's midnight is on a quarter of an hour in UTC.
    if moment.minute % 15 or moment.second or moment.microsecond:
        return due_at(moment, options.zone)
    return ImportedDate(day=day_of_midnight(moment, options.zone))
