"""Exports of Vikunja: archives of data, a version and files."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.imports import Import, fixtures, imported
from tests.support.vikunja_exports import export
from todo_gql.database.models import Priority, Status
from todo_gql.importing.records import ImportedDate, ImportedReminder, UnreadableFile
from todo_gql.importing.vikunja import MAX_PROJECTS, read


def own(name: str) -> Import:
    """What is imported of the export above, whatever its file's name is."""
    return imported(read, export(), name=name)


@pytest.mark.parametrize("path", fixtures("vikunja/*.zip"), ids=lambda path: path.name)
def test_each_task_of_an_export_is_imported(path: Path) -> None:
    """Each task, comment and file of a real export is imported, in a list by its project."""
    with zipfile.ZipFile(path) as archive:
        projects = json.loads(archive.read("data.json"))
    tasks = [task for project in projects for task in project["tasks"] or ()]
    result = imported(read, path.read_bytes())
    assert result.titles == [task["title"] for task in tasks]
    assert [each.name for each in result.lists] == [project["title"] for project in projects[1:]]
    for kind in ("comments", "attachments"):
        expected = sum(len(task[kind] or ()) for task in tasks)
        field = "files" if kind == "attachments" else kind
        assert sum(len(getattr(todo, field)) for todo in result.todos) == expected
    assert not result.failures


def test_projects_are_lists_with_their_buckets() -> None:
    """A project is a list, its buckets are sections if there are several, and Inbox is the inbox."""
    result = own("export.zip")
    house, empty = result.lists
    assert (house.name, house.color, house.is_archived) == ("House", "#ff8800", True)
    assert [name for _, name in house.sections] == ["To do", "Doing"]
    assert house.description == "Parent project: Inbox"
    assert empty.sections == ()
    assert result.todo("Water the ferns").list_id is None
    assert result.todo("Choose colours").section_id == house.sections[1][0]


def test_everything_of_a_task_is_imported() -> None:
    """Dates, rule, reminders, labels and priority are a todo's, and what has no home is described."""
    todo = own("export.zip").todo("Water the ferns")
    assert todo.due == ImportedDate(at=datetime(2026, 12, 1, 8, tzinfo=UTC), zone="Europe/Berlin")
    assert (todo.start, todo.rule, todo.from_completion) == (None, "FREQ=WEEKLY;INTERVAL=1", False)
    assert (todo.tags, todo.priority) == (("garden", "weekly"), Priority.HIGH)
    assert todo.reminders == (
        ImportedReminder(offset="-PT3600S"),
        ImportedReminder(at=datetime(2026, 11, 30, 7, tzinfo=UTC)),
    )
    assert todo.description == (
        "Not **too** much\n\nEnd: 2026-12-01T09:00:00+00:00\nPercent: 50%\n"
        "Assigned to: ida\nRelated: Buy ferns"
    )


def test_subtasks_files_and_comments_belong_to_their_todos() -> None:
    """A subtask may be named by its parent alone; a file is known by its path, a comment by its author."""
    result = own("export.zip")
    paint, colours = result.todo("Paint"), result.todo("Choose colours")
    assert (paint.status, paint.completed_at) == (
        Status.COMPLETED,
        datetime(2026, 10, 2, 8, tzinfo=UTC),
    )
    assert [(file.path, file.file_name) for file in paint.files] == [("files/7", "colours.txt")]
    assert paint.description == "File: lost.txt"
    assert colours.parent_id == paint.foreign_id
    assert (colours.rule, colours.from_completion) == ("FREQ=DAILY;INTERVAL=1", True)
    assert [comment.body for comment in colours.comments] == ["Ida: Green"]
    assert result.todo("Hourly").description == "Repeats: every 3600 seconds"


@pytest.mark.parametrize("version", ["0.18.1", "0.20.0", "nonsense", ""])
def test_versions_that_are_not_known_are_refused(version: str) -> None:
    """An export of an old version, or of none, says what to do."""
    with pytest.raises(UnreadableFile, match=r"version|update Vikunja"):
        imported(read, export(version=version))


@pytest.mark.parametrize("version", ["0.21.0", "v1.0.0-rc2", "2.5.0+3-abc", "dev"])
def test_newer_versions_are_read(version: str) -> None:
    """An export of a newer version is read."""
    assert len(imported(read, export(version=version)).todos) == 4


def test_saved_filters_are_reported() -> None:
    """Saved filters can't be imported, and the report says so."""
    result = imported(read, export(files={"filters.json": '[{"title": "Mine"}]'}))
    assert [problem.location for problem in result.failures] == ["filters.json"]


def test_what_is_no_task_is_reported() -> None:
    """A task or project that is none is a problem, and the rest goes on."""
    projects = [3, {"id": 1, "title": "A", "tasks": ["x", {"id": 1, "title": "One"}]}, [[{}]]]
    result = imported(read, export(projects))
    assert result.titles == ["One"]
    assert [problem.location for problem in result.failures] == [
        "projects[0]",
        "projects[2]",
        "projects[1].tasks[0]",
    ]


@pytest.mark.parametrize("projects", [{"a": 1}, "text"])
def test_data_of_another_form_is_refused(projects: object) -> None:
    """Data that is no list of projects is refused."""
    with pytest.raises(UnreadableFile, match="no list of projects"):
        imported(read, export(projects))


def test_a_task_of_too_many_values_is_reported() -> None:
    """A task that nobody made isn't read into memory, and the others are imported."""
    projects = [
        {"id": 1, "title": "A", "tasks": [{"labels": [1] * 30_000}, {"id": 1, "title": "One"}]}
    ]
    result = imported(read, export(projects))
    assert result.titles == ["One"]
    assert [problem.location for problem in result.failures] == ["projects[0].tasks[0]"]


def test_too_many_projects_are_refused() -> None:
    """An export of thousands of projects isn't read to its end."""
    with pytest.raises(UnreadableFile, match="projects"):
        imported(read, export([{"title": "A"}] * (MAX_PROJECTS + 1)))
