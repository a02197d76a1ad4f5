"""Reading our own exports: JSON Lines in a zip (ADR 113)."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

import orjson

from todo_gql.importing.archives import Archive, is_archive
from todo_gql.importing.contents import read_bytes
from todo_gql.importing.drafts import titled
from todo_gql.importing.json_values import MAX_SEPARATORS, JSONObject, objects, string
from todo_gql.importing.own_todos import todo_of
from todo_gql.importing.records import (
    ImportedList,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
    UnreadableFile,
)

FORMAT, VERSION = "todo_gql", 1
_FILE_NAME: Final = "data.jsonl"
# A todo with hundreds of comments, each of 10,000 characters.
MAX_LINE_BYTES: Final = 8 * 1024 * 1024
_NOT_IMPORTED: Final = {
    "savedView": "saved views",
    "webhook": "webhooks",
    "apiToken": "API tokens",
    "calendarFeed": "calendar feeds",
}
_TRASH: Final = "todos of the trash"


def is_export(names: list[str]) -> bool:
    """Whether an archive with these names is an export of ours."""
    return _data_name(names) is not None


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The lists and todos of an export outside the trash, with their comments, reminders and files.

    What a newer release added is left out; raises `UnreadableFile` for an export whose meaning is newer.
    """
    content = read_bytes(file)
    paths: dict[str, str] = {}
    stream: IO[bytes] = io.BytesIO(content)
    if is_archive(content):
        archive = Archive(content)
        name = _data_name(archive.names)
        if name is None:
            raise UnreadableFile(f"The archive has no {_FILE_NAME} of an export.")
        folder = name.removesuffix(_FILE_NAME)
        inside = (entry for entry in archive.names if entry.startswith(folder))
        paths = {entry.removeprefix(folder): entry for entry in inside}
        stream = archive.open(name)
    with stream:
        yield from _items(stream, paths, options)


def _data_name(names: list[str]) -> str | None:
    return next((name for name in names if name.rpartition("/")[2] == _FILE_NAME), None)


def _items(stream: IO[bytes], paths: Mapping[str, str], options: ReadOptions) -> Iterator[Item]:
    left_out, types = Counter[str](), Counter[str]()
    counts: Any = None
    for number, line in enumerate(_lines(stream), 1):
        location = f"{_FILE_NAME} line {number}"
        value = _object(line)
        if number == 1:
            _check_header(value)
            continue
        if value is None:
            yield Problem(
                location, ProblemCode.INVALID, "This is no JSON object, or too large a one."
            )
            continue
        kind = string(value.get("type"))
        if kind == "end":
            counts = value.get("counts")
            continue
        types[kind] += 1
        if kind in ("list", "todo") and value.get("deletedAt"):
            left_out[_TRASH] += kind == "todo"
        elif kind == "list":
            yield _list(value, location)
        elif kind == "todo":
            yield from todo_of(value, location, paths, options)
        elif kind in _NOT_IMPORTED:
            left_out[_NOT_IMPORTED[kind]] += 1
    yield from _report(left_out, counts, types)


def _report(left_out: Counter[str], counts: Any, types: Counter[str]) -> Iterator[Problem]:
    for name, number in left_out.items():
        if number:
            message = f"{number:,} {name} aren't imported."
            yield Problem(_FILE_NAME, ProblemCode.UNSUPPORTED, message)
    if not isinstance(counts, dict):
        message = "The export was cut off: what stood at its end is missing."
        yield Problem(_FILE_NAME, ProblemCode.INVALID, message)
    elif any(counts.get(kind, 0) != types[kind] for kind in ("list", "todo")):
        message = "The export has other numbers of lists and todos than it says."
        yield Problem(_FILE_NAME, ProblemCode.INVALID, message)


def _lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """The lines that aren't empty; None for one that is too long."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
            yield None
        elif line.strip():
            yield line


def _object(line: bytes | None) -> JSONObject | None:
    if line is None or sum(map(line.count, (b",", b"[", b"{"))) > MAX_SEPARATORS:
        return None
    try:
        value = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _check_header(value: JSONObject | None) -> None:
    if value is None or value.get("format") != FORMAT or value.get("content") != "data":
        raise UnreadableFile(f"{_FILE_NAME} doesn't begin like an export of {FORMAT}.")
    version = value.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise UnreadableFile(
            f"This export has version {string(version)[:20]}, this server reads {VERSION}: import it into a newer one."
        )


def _list(value: JSONObject, location: str) -> ImportedList:
    color = string(value.get("color"))
    return ImportedList(
        foreign_id=string(value.get("id"))[:100] or location,
        location=location,
        name=titled(string(value.get("name"))),
        description=string(value.get("description")) or None,
        color=color or None,
        sections=tuple(
            (string(section.get("id"))[:100], titled(string(section.get("name"))))
            for section in objects(value.get("sections"))
        ),
        is_archived=bool(value.get("archivedAt")),
    )
