"""Our own exports, as ADR 113 describes them."""

import io
import json
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.imports import Import, imported
from tests.support.own_exports import CHILD, FILE, HEADER, LINES, LIST, TODO, packed
from todo_gql.database.models import Priority, Status
from todo_gql.importing.own_export import MAX_LINE_BYTES, read
from todo_gql.importing.records import ImportedDate, ImportedReminder, UnreadableFile


def own(name: str) -> Import:
    """What is imported of the export above, whatever its file's name is."""
    return imported(read, packed(LINES), name=name)


def test_lists_and_todos_outside_the_trash_are_imported() -> None:
    """Lists and todos are imported with their own ids, without those of the trash, which are counted."""
    result = own("export.zip")
    (garden,) = result.lists
    assert (garden.foreign_id, garden.name, garden.color) == (LIST, "Garden", "#ff8800")
    assert (garden.sections, garden.is_archived) == ((("s1", "Trees"),), True)
    assert [todo.foreign_id for todo in result.todos] == [CHILD, TODO]
    assert [problem.message for problem in result.failures] == [
        "1 todos of the trash aren't imported.",
        "1 saved views aren't imported.",
    ]


def test_everything_of_a_todo_is_imported() -> None:
    """A todo has all that it had, the rest of its rule, and what has no home in its description."""
    todo = own("export.zip").todo("Prune the apple tree")
    assert (todo.status, todo.priority, todo.tags) == (
        Status.IN_PROGRESS,
        Priority.URGENT,
        ("garden", "winter"),
    )
    assert (todo.list_id, todo.section_id) == (LIST, "s1")
    assert todo.due == ImportedDate(at=datetime(2026, 12, 1, 8, tzinfo=UTC), zone="Europe/Paris")
    assert todo.start == ImportedDate(day=date(2026, 11, 1))
    assert (todo.rule, todo.from_completion) == ("FREQ=YEARLY;COUNT=3", False)
    assert todo.reminders == (
        ImportedReminder(offset="-PT1H"),
        ImportedReminder(offset="P1D", from_start=True),
        ImportedReminder(at=datetime(2026, 11, 30, 8, tzinfo=UTC)),
    )
    assert [comment.body for comment in todo.comments] == ["Soon", "ida: I have a ladder"]
    [file] = todo.files
    assert (file.path, file.comment_id) == (f"todo_gql-export/files/{FILE}/tree.png", "c1")
    assert todo.created_at == datetime(2026, 10, 1, 8, 0, 0, 123456, tzinfo=UTC)
    assert (todo.estimated_minutes, todo.metadata) == (90, {"tree": {"age": 30}})
    assert todo.description == "Not too much\n\nAssigned to: ida\nFile: b.png"


def test_the_lines_may_come_without_their_archive() -> None:
    """The data's lines are read as a file, too."""
    with zipfile.ZipFile(io.BytesIO(packed(LINES))) as archive:
        lines = archive.read("todo_gql-export/data.jsonl")
    assert imported(read, lines).titles == own("data.jsonl").titles


def test_an_export_that_was_cut_off_is_reported() -> None:
    """An export without its end, or with other numbers, is imported as far as it goes, and reported."""
    cut = imported(read, packed(LINES[:6]))
    fewer = imported(read, packed([*LINES[:4], *LINES[5:]]))
    assert cut.titles == ["Sharpen the saw", "Prune the apple tree"]
    assert "cut off" in cut.failures[-1].message
    assert "other numbers" in fewer.failures[-1].message


def test_a_line_that_is_no_object_is_reported() -> None:
    """A line that isn't an object, or is too long, is a problem, and the rest goes on."""
    lines = [json.dumps(line) for line in LINES]
    result = imported(read, packed([*lines[:4], "{", "x" * (MAX_LINE_BYTES + 1), *lines[4:]]))
    assert [problem.location for problem in result.failures[:2]] == [
        "data.jsonl line 5",
        "data.jsonl line 6",
    ]
    assert len(result.todos) == 2


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({**HEADER, "version": 2}, "newer"),
        ({**HEADER, "content": "history"}, "doesn't begin"),
        ({"type": "todo"}, "doesn't begin"),
    ],
)
def test_exports_of_another_meaning_are_refused(header: dict[str, Any], message: str) -> None:
    """An export of a newer meaning, and what is none, is refused."""
    with pytest.raises(UnreadableFile, match=message):
        imported(read, packed([header, *LINES[1:]]))


def test_an_archive_without_data_is_refused() -> None:
    """An archive without the file of data is refused."""
    with pytest.raises(UnreadableFile, match="no data"):
        imported(read, packed(LINES, "other.jsonl"))
