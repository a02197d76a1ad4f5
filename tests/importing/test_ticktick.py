"""Tasks of TickTick's backups: lists, columns, checklists, subtasks, repetitions and reminders."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.imports import OWN, fixtures, imported
from todo_gql.database.models import Priority, Status
from todo_gql.importing.records import ImportedDate, ImportedReminder, UnreadableFile
from todo_gql.importing.ticktick import read

VARIETY = OWN / "ticktick" / "variety.csv"


def plain_rows(path: Path) -> list[list[str]]:
    """The rows of a file behind its header."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.reader(file))
    header = next(index for index, row in enumerate(cells) if row[:1] == ["Folder Name"])
    return cells[header + 1 :]


@pytest.mark.parametrize("path", fixtures("ticktick/*.csv"), ids=lambda path: path.name)
def test_each_row_and_each_item_is_a_todo(path: Path) -> None:
    """Each row is a todo in the list that it names, each item of a checklist a subtask."""
    expected = plain_rows(path)
    items = sum(row[5].count("▫") + row[5].count("▪") for row in expected if row[6] == "Y")
    lists = {(row[0], row[1]) for row in expected} - {("", "Inbox")}
    result = imported(read, path.read_bytes())
    assert len(result.todos) == len(expected) + items
    assert len(result.lists) == len(lists)
    children = sum(row[23] in {other[22] for other in expected} for row in expected)
    assert sum(todo.parent_id is not None for todo in result.todos) == children + items
    assert not result.failures


def test_titles_and_notes_keep_their_text() -> None:
    """Line breaks and quotation marks stay in notes; a title is in one line."""
    todo = imported(read, VARIETY.read_bytes()).todo("Task with multiline title")
    assert todo.description == '### Stack\nShe said "hi", then left.'


def test_columns_are_sections_and_children_may_come_first() -> None:
    """A board's columns are sections, and a subtask names its parent by its number."""
    result = imported(read, VARIETY.read_bytes())
    (house,) = [each for each in result.lists if each.name == "House"]
    child, parent = result.todo("Child task"), result.todo("Parent task")
    assert [name for _, name in house.sections] == ["Small fixes", "Ideas"]
    assert child.parent_id == parent.foreign_id
    assert child.section_id == house.sections[0][0]
    assert (parent.priority, child.priority) == (Priority.HIGH, Priority.MEDIUM)
    assert result.todo("Second column").status == Status.CANCELLED


def test_rules_and_reminders_are_a_todo_s() -> None:
    """Repetition, all-day dates and reminders are those of the todo."""
    todo = imported(read, VARIETY.read_bytes()).todo("Pay the rent")
    assert todo.due == ImportedDate(day=date(2026, 9, 1))
    assert todo.rule == "FREQ=MONTHLY;INTERVAL=1"
    assert todo.reminders == (
        ImportedReminder(offset="PT9H"),
        ImportedReminder(offset="-PT1440M"),
    )


def test_a_checklist_s_items_are_subtasks() -> None:
    """Items keep whether they are done, other lines stay notes, and what makes no sense is reported."""
    result = imported(read, VARIETY.read_bytes())
    todo = result.todo("Seed tray checklist")
    assert result.todo("Fill the trays").status == Status.COMPLETED
    assert result.todo("Sow the basil").parent_id == todo.foreign_id
    assert todo.start == ImportedDate(
        at=datetime(2026, 2, 20, 10, tzinfo=UTC), zone="Europe/Berlin"
    )
    assert todo.due == ImportedDate(
        at=datetime(2026, 2, 27, 14, 59, 52, tzinfo=UTC), zone="Europe/Berlin"
    )
    assert todo.description == "Not too deep\n\nPriority: p1"


def test_ids_do_not_depend_on_numbers_of_the_backup() -> None:
    """A later backup numbers its tasks anew, and they are still the same."""
    text = VARIETY.read_text(encoding="utf-8")
    before = imported(read, text)
    after = imported(read, text.replace('"8"', '"88"').replace('"10","","TASK"', '"11","","TASK"'))
    assert [todo.foreign_id for todo in before.todos] == [todo.foreign_id for todo in after.todos]


def test_a_file_without_the_header_is_refused() -> None:
    """A file whose columns aren't named is refused."""
    with pytest.raises(UnreadableFile, match="names its columns"):
        imported(read, "a,b\n1,2\n")
