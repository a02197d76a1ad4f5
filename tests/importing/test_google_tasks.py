"""Tasks of Google: Takeout's file, alone and in its archive."""

import io
import json
import zipfile
from datetime import UTC, date, datetime

import pytest

from tests.support.imports import OWN, imported
from todo_gql.database.models import Status
from todo_gql.importing.google_tasks import read
from todo_gql.importing.records import ImportedDate, UnreadableFile

TAKEOUT = OWN / "google" / "Tasks.json"


def test_each_task_is_a_todo_in_its_list() -> None:
    """Each task of each list is a todo in that list, whatever kinds the file names."""
    value = json.loads(TAKEOUT.read_text(encoding="utf-8"))
    result = imported(read, TAKEOUT.read_bytes())
    assert [each.name for each in result.lists] == [each["title"] for each in value["items"]]
    expected = [len(each.get("items", ())) for each in value["items"]]
    counts = [
        sum(todo.list_id == each.foreign_id for todo in result.todos) for each in result.lists
    ]
    assert counts == expected
    assert not result.failures


def test_an_archive_of_takeout_is_read() -> None:
    """The file is read out of the archive that Google sends."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Takeout/archive_browser.html", "<html></html>")
        archive.writestr("Takeout/Tasks/Tasks.json", TAKEOUT.read_bytes())
    assert imported(read, buffer.getvalue()) == imported(read, TAKEOUT.read_bytes())


def test_everything_of_a_task_is_imported() -> None:
    """Due dates, notes, parents, completion and links are a todo's."""
    result = imported(read, TAKEOUT.read_bytes())
    first, parent = result.todos[0], result.todo("Write the final report")
    child, untitled = result.todo("Collect the figures"), result.todos[3]
    assert first.due == parent.due == ImportedDate(day=date(2022, 11, 1))
    assert parent.description == "Internship report"
    assert (child.parent_id, child.status) == (parent.foreign_id, Status.COMPLETED)
    assert child.completed_at == datetime(2022, 6, 14, 8, 0, 0, 123000, tzinfo=UTC)
    assert child.description == "Link: https://mail.example/f"
    assert untitled.title == "Oat milk Two bottles"
    assert [loss.title for loss in result.losses] == ["Collect the figures"]


@pytest.mark.parametrize("content", ["{}", '{"items": 3}', "tasks"])
def test_what_has_no_lists_is_refused(content: str) -> None:
    """A file without lists or tasks is refused."""
    with pytest.raises(UnreadableFile):
        imported(read, content)
