"""The formats that are imported: their readers, and which of them a file has."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Final

from todo_gql.database.models import TransferFormat
from todo_gql.importing import (
    google_tasks,
    ical,
    microsoft_todo,
    own_export,
    taskwarrior,
    ticktick,
    todo_txt,
    todoist,
    vikunja,
)
from todo_gql.importing.archives import Archive, is_archive
from todo_gql.importing.contents import encoding_of, read_bytes
from todo_gql.importing.csv_rows import has_header
from todo_gql.importing.drafts import MAX_TODOS
from todo_gql.importing.records import (
    ImportedList,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    Reader,
    ReadOptions,
    UnreadableFile,
)

_SAMPLE: Final = 256 * 1024
MAX_LISTS: Final = 5_000
MAX_PROBLEMS: Final = 10_000
_LIMITS: Final[dict[type[Item], tuple[int, str]]] = {
    ImportedTodo: (MAX_TODOS, "todos"),
    ImportedList: (MAX_LISTS, "lists"),
    Problem: (MAX_PROBLEMS, "problems"),
}


def _limited(read: Reader) -> Reader:
    """The reader that ends with a problem where there is too much of anything."""

    def read_limited(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
        counts = dict.fromkeys(_LIMITS, 0)
        for item in read(file, options):
            kind = type(item)
            # What has no home is in a todo, and counted as one.
            counts[kind] += not (isinstance(item, Problem) and item.is_loss)
            most, name = _LIMITS[kind]
            if counts[kind] > most:
                message = f"The file has more than {most:,} {name}: the others aren't imported."
                yield Problem(item.location, ProblemCode.TOO_MANY, message)
                return
            yield item

    return read_limited


READERS: Final[dict[TransferFormat, Reader]] = {
    format: _limited(read)
    for format, read in {
        TransferFormat.TODO_GQL: own_export.read,
        TransferFormat.TODOIST: todoist.read,
        TransferFormat.TASKWARRIOR: taskwarrior.read,
        TransferFormat.TODO_TXT: todo_txt.read,
        TransferFormat.VIKUNJA: vikunja.read,
        TransferFormat.MICROSOFT_TODO: microsoft_todo.read,
        TransferFormat.GOOGLE_TASKS: google_tasks.read,
        TransferFormat.ICALENDAR: ical.read,
        TransferFormat.TICKTICK: ticktick.read,
    }.items()
}


def detect(file: IO[bytes], file_name: str) -> TransferFormat | None:
    """The format of a file: what its beginning says, or else its name; None if neither says any.

    The file is at its start afterwards.
    """
    file.seek(0)
    sample = file.read(_SAMPLE)
    try:
        if is_archive(sample):
            return _of_archive(Archive(read_bytes(file)).names)
    except UnreadableFile:
        return None
    finally:
        file.seek(0)
    text = sample.decode(encoding_of(sample), "replace").lstrip("\ufeff \t\r\n\x00")
    for format, matches in _TEXTS:
        if matches(text):
            return format
    return _SUFFIXES.get(PurePosixPath(file_name.lower()).suffix)


def _of_archive(names: list[str]) -> TransferFormat | None:
    for format, matches in _ARCHIVES:
        if matches(names):
            return format
    return None


def _searches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.DOTALL).search


def _has(header: frozenset[str]) -> Callable[[str], object]:
    return partial(has_header, header=header)


_ARCHIVES: Final[tuple[tuple[TransferFormat, Callable[[list[str]], object]], ...]] = (
    (TransferFormat.TODO_GQL, own_export.is_export),
    (TransferFormat.VIKUNJA, vikunja.is_export),
    (TransferFormat.GOOGLE_TASKS, google_tasks.is_export),
    (TransferFormat.TODOIST, todoist.csv_names),
)
_TEXTS: Final[tuple[tuple[TransferFormat, Callable[[str], object]], ...]] = (
    (TransferFormat.TODO_GQL, _searches(r"\A\{[^\n]{0,500}\"format\"\s?:\s?\"todo_gql\"")),
    (TransferFormat.ICALENDAR, _searches(r"\A(?i:BEGIN:(VCALENDAR|VTODO))\b")),
    (TransferFormat.TICKTICK, _has(ticktick.HEADER)),
    (TransferFormat.TODOIST, _has(todoist.HEADER)),
    (TransferFormat.GOOGLE_TASKS, _searches(r"\A[\[{].{0,4000}\"tasks#task")),
    (
        TransferFormat.MICROSOFT_TODO,
        _searches(
            r"\A[\[{].{0,4000}\"(@odata\.|importance\"|wellknownListName\"|createdDateTime\"|checklistItems\")"
        ),
    ),
    (TransferFormat.TASKWARRIOR, _searches(r"\A[\[{].{0,4000}\"(uuid|entry|description)\"\s?:")),
)
_SUFFIXES: Final = {".txt": TransferFormat.TODO_TXT, ".ics": TransferFormat.ICALENDAR}
