"""Tasks of Taskwarrior: arrays and lines, projects, recurring tasks, attributes of users' own."""

import json
from datetime import UTC, date, datetime

import pytest

from tests.support.imports import BERLIN, Import, fixtures, imported
from todo_gql.database.models import Priority, Status
from todo_gql.importing.records import ImportedDate, UnreadableFile
from todo_gql.importing.taskwarrior import read
from todo_gql.importing.taskwarrior_periods import rule_of

UUID = "a1111111-a222-a333-a444-a55555555555"


def own(name: str) -> Import:
    """What is imported of one of the checkout's fixtures."""
    (path,) = fixtures(f"taskwarrior/{name}")
    return imported(read, path.read_bytes())


def test_every_task_of_an_array_but_deleted_ones_is_a_todo() -> None:
    """An array's tasks are todos, the deleted ones left out, their projects lists."""
    (path,) = fixtures("taskwarrior/array.json")
    tasks = json.loads(path.read_text(encoding="utf-8"))
    result = imported(read, path.read_bytes())
    assert result.titles == [task["description"] for task in tasks if task["status"] != "deleted"]
    assert [each.name for each in result.lists] == ["A", "B"]
    assert result.todo("two").completed_at == datetime.fromtimestamp(1234524690, UTC)
    assert not result.failures


def test_every_task_of_lines_but_instances_is_a_todo() -> None:
    """A line's task is a todo unless it is the instance of a recurring one."""
    (path,) = fixtures("taskwarrior/lines.json")
    tasks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    result = imported(read, path.read_bytes())
    assert len(result.todos) == sum("parent" not in task for task in tasks)


def test_a_recurring_task_stands_where_its_instances_are() -> None:
    """A recurring task is due when the first of its pending instances is, and says how many were done."""
    result = own("lines.json")
    todo = result.todo("Water the ferns")
    assert todo.rule == "FREQ=WEEKLY;INTERVAL=1"
    assert todo.due == ImportedDate(at=datetime(2026, 9, 8, 6, tzinfo=UTC), zone="Europe/Berlin")
    (problem,) = result.failures
    assert problem.message.startswith("1 completed instance")


def test_an_instance_without_its_parent_is_a_todo() -> None:
    """An instance whose recurring task isn't in the file is imported as it is."""
    task = {"description": "Alone", "uuid": UUID, "parent": "another", "status": "pending"}
    assert imported(read, json.dumps([task])).titles == ["Alone"]


def test_everything_of_a_task_is_imported() -> None:
    """Priority, tags, project, dates and annotations are a todo's, attributes of users' own metadata."""
    todo = own("lines.json").todo("Repaint the fence")
    assert (todo.priority, todo.tags, todo.list_id) == (
        Priority.HIGH,
        ("paint", "outdoor"),
        "Home.Garden",
    )
    assert todo.status == Status.IN_PROGRESS
    assert todo.start == ImportedDate(day=date(2026, 10, 2))
    assert [comment.body for comment in todo.comments] == ["Green, as before", "Two tins"]
    assert todo.metadata == {"taskwarrior": {"estimate": "PT3H", "reviewed": 20260901}}


def test_a_waiting_task_starts_then() -> None:
    """A task starts when it stops to wait, and what it depends on is described."""
    result = own("lines.json")
    todo = result.todo("Renew the passport")
    assert todo.start == ImportedDate(day=date(2026, 12, 1))
    assert todo.due == ImportedDate(day=date(2027, 2, 1))
    assert "Depends on: b4444444" in (todo.description or "")
    assert [loss.title for loss in result.losses] == ["Renew the passport"]


@pytest.mark.parametrize("depends", [["a", "b"], "a,b"])
def test_dependencies_are_a_text_or_a_list(depends: object) -> None:
    """What older and newer versions write is read alike."""
    task = {"description": "Both", "uuid": UUID, "depends": depends}
    assert imported(read, json.dumps(task)).todos[0].description == "Depends on: a, b"


def test_an_object_may_have_line_breaks_everywhere() -> None:
    """A single task needn't be in one line."""
    text = '\n\n{\n"uuid"\n:\n\t"x"\n,\n"description"\n:\n"four"\n,\n"status"\n:\n"pending"\n}\n\n'
    assert imported(read, text).titles == ["four"]


def test_a_line_that_is_no_task_is_reported() -> None:
    """A line that isn't JSON, or isn't an object, is a problem, and the rest goes on."""
    result = imported(read, '{"description":"one"}\n{"descr\n[1]\n{"description":"two"}\n')
    assert result.titles == ["one", "two"]
    assert [problem.location for problem in result.failures] == ["line 2", "line 3"]


def test_the_end_of_a_recurring_task_is_part_of_its_rule() -> None:
    """A recurring task ends when it says."""
    task = {
        "description": "Rent", "uuid": UUID, "status": "recurring", "recur": "monthly",
        "due": "20261201T080000Z", "until": "20270601T000000Z",
    }  # fmt: skip
    todo = imported(read, json.dumps(task), zone=BERLIN).todos[0]
    assert todo.rule == "FREQ=MONTHLY;INTERVAL=1;UNTIL=20270601T000000Z"


@pytest.mark.parametrize(
    ("period", "rule"),
    [
        ("weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("biannual", "FREQ=YEARLY;INTERVAL=2"),
        ("semiannual", "FREQ=MONTHLY;INTERVAL=6"),
        ("3mo", "FREQ=MONTHLY;INTERVAL=3"),
        ("2 weeks", "FREQ=WEEKLY;INTERVAL=2"),
        ("P1M", "FREQ=MONTHLY;INTERVAL=1"),
        ("2q", "FREQ=MONTHLY;INTERVAL=6"),
        ("4hrs", None),
        ("0d", None),
    ],
)
def test_periods_are_rules(period: str, rule: str | None) -> None:
    """A period is the rule that it means, hours and what isn't known none."""
    assert rule_of(period) == rule


@pytest.mark.parametrize("content", ["[{]", "{", "Buy milk", '[{"description":"a"}'])
def test_what_is_no_json_is_refused(content: str) -> None:
    """A file that isn't JSON at all is refused as a whole."""
    with pytest.raises(UnreadableFile, match="JSON"):
        imported(read, content)
