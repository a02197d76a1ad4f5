"""Tasks of Microsoft To Do as Graph answers with them, whatever the answer's form."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.imports import BERLIN, CHICAGO, OWN, Import, fixtures, imported
from todo_gql.database.models import Priority, Status
from todo_gql.importing.microsoft_todo import read
from todo_gql.importing.records import ImportedDate, UnreadableFile


def counted(path: Path) -> tuple[int, int]:
    """How many tasks and how many checklist items a file has, by the names in its text."""
    text = path.read_text(encoding="utf-8")
    return text.count('"importance"'), text.count('"isChecked"')


def lists() -> Import:
    """What is imported of two lists."""
    return imported(read, (OWN / "microsoft" / "lists.json").read_bytes())


@pytest.mark.parametrize("path", fixtures("microsoft/*.json"), ids=lambda path: path.name)
def test_each_task_and_each_item_is_a_todo(path: Path) -> None:
    """Each task is a todo, each item of its checklist a subtask of it."""
    tasks, items = counted(path)
    result = imported(read, path.read_bytes(), zone=CHICAGO)
    assert len(result.todos) == tasks + items
    assert sum(todo.parent_id is not None for todo in result.todos) == items
    assert not result.failures


@pytest.mark.parametrize(
    ("due", "day"),
    [
        ("2023-08-07T05:00:00.0000000", date(2023, 8, 7)),
        ("2023-08-07T00:00:00.0000000", date(2023, 8, 7)),
        ("2022-10-31T16:00:00.0000000", date(2022, 11, 1)),
        ("2023-08-06T22:00:00", date(2023, 8, 7)),
    ],
)
def test_a_due_date_is_the_day_whose_midnight_it_is(due: str, day: date | None) -> None:
    """A due date is a day wherever it was set, not the day in UTC of its midnight."""
    task = {"id": "1", "title": "Test", "dueDateTime": {"dateTime": due, "timeZone": "UTC"}}
    assert imported(read, json.dumps(task), zone=BERLIN).todos[0].due == ImportedDate(day=day)


@pytest.mark.parametrize("text", ['{{"value": [{0}]}}', "[{0}]", "{0}", '{{"value": {0}}}'])
def test_the_form_of_an_answer_does_not_matter(text: str) -> None:
    """A task, a list of tasks and an answer of Graph are read, what is none of these is reported or refused."""
    result = imported(read, text.format('{"id": "1", "title": "Test"}'))
    assert result.titles == (["Test"] if "{{" not in text or "[" in text else [])
    assert len(result.failures) == (not result.todos)


def test_lists_are_lists_and_the_default_one_is_the_inbox() -> None:
    """A task is in the list that has it; the list that everybody has is the inbox."""
    result = lists()
    assert [each.name for each in result.lists] == ["Garden"]
    assert result.todo("Basic task").list_id is None
    assert result.todo("Borrow a ladder").list_id == result.lists[0].foreign_id


def test_everything_of_a_task_is_imported() -> None:
    """Importance, status, body, categories, completion, reminder and checklist are a todo's."""
    result = lists()
    basic, report = result.todo("Basic task"), result.todo("Monthly report")
    tree = result.todo("Prune the apple tree")
    assert (basic.status, basic.tags) == (Status.COMPLETED, ("Blue category",))
    assert basic.completed_at == datetime(2022, 9, 18, 5, tzinfo=UTC)
    assert (report.priority, report.status) == (Priority.LOW, Status.IN_PROGRESS)
    assert report.description == "To **all** & sundry\n\nLink: The letter https://mail.example/1"
    assert tree.reminders[0].at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert tree.due == ImportedDate(day=date(2026, 12, 2))
    assert result.todo("Sharpen the saw").status == Status.COMPLETED
    assert {loss.title for loss in result.losses} == {"Monthly report", "Prune the apple tree"}


def test_patterns_are_rules() -> None:
    """A repetition's pattern and its range are a rule."""
    result = lists()
    assert result.todo("Monthly report").rule == "FREQ=MONTHLY;BYMONTHDAY=7"
    assert result.todo("Order seeds").rule == (
        "FREQ=YEARLY;BYMONTH=2;BYDAY=MO;BYSETPOS=-1;UNTIL=20300301"
    )


def test_a_pattern_without_a_rule_is_described() -> None:
    """A repetition that can't be a rule goes into the description, and is reported."""
    task = {
        "id": "1", "title": "Test", "dueDateTime": {"dateTime": "2026-12-01T00:00:00", "timeZone": "UTC"},
        "recurrence": {"pattern": {"type": "hourly", "interval": 3}},
    }  # fmt: skip
    result = imported(read, json.dumps(task))
    assert result.todos[0].rule is None
    assert result.todos[0].description == "Repeats: type: hourly, interval: 3"
    assert len(result.losses) == 1


def test_what_is_no_task_is_reported() -> None:
    """An entry that is no task is a problem with its location, and the rest goes on."""
    result = imported(read, '{"value": [3, {"id": "1", "title": "Test"}, {}]}')
    assert [problem.location for problem in result.failures] == ["value[0]", "value[2]"]
    assert result.titles == ["Test"]


@pytest.mark.parametrize("content", ["3", "[", '{"value": [{"title": "Test"}'])
def test_what_has_no_tasks_is_refused(content: str) -> None:
    """A file that is no JSON, or neither object nor list, is refused."""
    with pytest.raises(UnreadableFile):
        imported(read, content)


def test_a_single_value_that_is_no_task_is_reported() -> None:
    """An object that is neither task nor list is a problem that says where it is."""
    result = imported(read, '{"importance": "high"}')
    assert [problem.location for problem in result.failures] == ["the only value"]
