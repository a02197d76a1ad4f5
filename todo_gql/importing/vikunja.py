"""Reading Vikunja's exports: an archive of data.json, VERSION and files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Final

from todo_gql.importing.archives import Archive
from todo_gql.importing.drafts import Losses, foreign_id, titled
from todo_gql.importing.html_text import as_markdown
from todo_gql.importing.json_values import JSONObject, json_object, number, objects, string
from todo_gql.importing.records import (
    ImportedList,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
    UnreadableFile,
)
from todo_gql.importing.vikunja_data import FILE_NAME, entries
from todo_gql.importing.vikunja_tasks import TaskReader

MAX_PROJECTS: Final = 5_000
_VERSION_FILE, _FILTERS = "VERSION", "filters.json"
# Before, projects were lists in namespaces.
_FIRST_VERSION: Final = (0, 20, 1)
_VERSION: Final = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:[-+.].{0,100})?")
_MAX_VERSION_LENGTH: Final = 200
_INBOX: Final = "inbox"
_COLOR: Final = re.compile("#?([0-9a-fA-F]{6})")


@dataclass
class _Project:
    """A project's list, None for the inbox, its sections, and whose it is."""

    list: ImportedList | None
    sections: frozenset[str]
    owner: str
    losses: Losses


def is_export(names: list[str]) -> bool:
    """Whether an archive with these names is an export of Vikunja."""
    return FILE_NAME in names and _VERSION_FILE in names


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The projects of an export as lists, their buckets as sections, and their tasks.

    Raises `UnreadableFile`, also for exports older than 0.20.1 and for those that have no version.
    """
    archive = Archive.of(file)
    _check_version(archive)
    projects, parents, problems = _overview(archive)
    for project in projects.values():
        if project.list:
            yield project.list
            yield from project.losses.problems
    yield from problems
    names = frozenset(archive.names)
    for entry in entries(archive):
        if entry.task is None or entry.project not in projects:
            continue
        location = f"projects[{entry.project}].tasks[{entry.task}]"
        if entry.value is None:
            yield Problem(
                location, ProblemCode.INVALID, "This is no task, or one of too many values."
            )
            continue
        project = projects[entry.project]
        list_id = project.list.foreign_id if project.list else None
        reader = TaskReader(list_id, project.sections, project.owner, parents, names, options)
        yield from reader.items(entry.value, location)
    if _has_filters(archive):
        yield Problem(_FILTERS, ProblemCode.UNSUPPORTED, "Saved filters aren't imported.")


def _has_filters(archive: Archive) -> bool:
    # An empty list is an empty text, null, or two brackets.
    with archive.open(_FILTERS) if _FILTERS in archive.names else BytesIO() as stream:
        return stream.read(_MAX_VERSION_LENGTH).strip() not in (b"", b"null", b"[]")


def _check_version(archive: Archive) -> None:
    if not is_export(archive.names):
        raise UnreadableFile(f"The archive has no {FILE_NAME} and {_VERSION_FILE} of Vikunja.")
    text = archive.read(_VERSION_FILE, _MAX_VERSION_LENGTH).decode("utf-8", "replace").strip()
    match = _VERSION.fullmatch(text)
    if match is None:
        if text in ("dev", "unstable"):
            return
        raise UnreadableFile("The archive doesn't say which version of Vikunja wrote it.")
    version = tuple(int(part or 0) for part in match.groups())
    if version < _FIRST_VERSION:
        needed = ".".join(map(str, _FIRST_VERSION))
        raise UnreadableFile(
            f"Vikunja {text[:50]} wrote this export: update Vikunja to {needed} or newer, and export again."
        )


def _overview(archive: Archive) -> tuple[dict[int, _Project], dict[str, str], list[Problem]]:
    """The projects by their indexes, and the parents of tasks that their parents name."""
    projects, parents, problems = dict[int, _Project](), dict[str, str](), list[Problem]()
    names = dict[str, str]()
    for entry in entries(archive):
        if entry.project >= MAX_PROJECTS:
            raise UnreadableFile(f"{FILE_NAME} has more than {MAX_PROJECTS:,} projects.")
        if entry.task is not None:
            related = json_object(json_object(entry.value).get("related_tasks"))
            for child in objects(related.get("subtask")):
                parents[string(child.get("id"))] = string(json_object(entry.value).get("id"))
        elif entry.value is None:
            message = "This is no project, or one of too many values."
            problems.append(Problem(f"projects[{entry.project}]", ProblemCode.INVALID, message))
        else:
            projects[entry.project] = _project(entry.value, entry.project, names)
    return projects, parents, problems


def _project(value: JSONObject, index: int, names: dict[str, str]) -> _Project:
    name, project_id = titled(string(value.get("title"))), string(value.get("id"))
    names[project_id] = name
    losses = Losses(f"projects[{index}]", name)
    owner = string(json_object(value.get("owner")).get("username"))
    buckets = [
        (foreign_id("bucket", string(bucket.get("id"))), titled(string(bucket.get("title"))))
        for bucket in objects(value.get("buckets"))
    ]
    # Everybody has one project of this name, and one bucket says nothing.
    if name.lower() == _INBOX and index == 0:
        return _Project(None, frozenset(), owner, losses)
    sections = tuple(buckets) if len(buckets) > 1 else ()
    if parent := number(value.get("parent_project_id")):
        above = names.get(str(parent), str(parent))
        losses.add("Parent project", above, "lists stand in no other lists")
    color = _COLOR.fullmatch(string(value.get("hex_color")))
    imported = ImportedList(
        foreign_id=foreign_id("project", project_id or str(index)),
        location=losses.location,
        name=name,
        description=losses.described(as_markdown(string(value.get("description")))),
        color=f"#{color[1].lower()}" if color else None,
        sections=sections,
        is_archived=value.get("is_archived") is True,
    )
    return _Project(imported, frozenset(id for id, _ in sections), owner, losses)
