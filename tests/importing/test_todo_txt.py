"""Todos of todo.txt, in lists by project, with dates and repetitions."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.imports import fixtures, imported
from todo_gql.database.models import Priority, Status
from todo_gql.importing.drafts import MAX_LOSSES
from todo_gql.importing.records import ImportedDate, ProblemCode, UnreadableFile
from todo_gql.importing.todo_txt import MAX_TODO_LENGTH, read


@pytest.mark.parametrize("path", fixtures("todotxt/*.txt"), ids=lambda path: path.name)
def test_each_line_that_says_something_is_a_todo(path: Path) -> None:
    """Each line with anything in it is one todo, and nothing else is."""
    expected = sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())
    result = imported(read, path.read_bytes())
    assert len(result.todos) == expected
    assert not result.failures


def test_a_line_has_everything_that_the_format_knows() -> None:
    """Priority, dates, project, context, due date and start of a line are those of its todo."""
    line = "(A) 2026-11-01 Call Mum @phone +Family due:2026-12-24 t:2026-12-20"
    result = imported(read, line)
    todo = result.todo("Call Mum")
    assert (todo.priority, todo.tags, todo.list_id) == (Priority.URGENT, ("phone",), "Family")
    assert todo.due == ImportedDate(day=date(2026, 12, 24))
    assert todo.start == ImportedDate(day=date(2026, 12, 20))
    assert todo.created_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert [each.name for each in result.lists] == ["Family"]
    assert todo.description is None
    assert not result.problems


def test_tags_within_a_sentence_stay_in_it() -> None:
    """Words of a sentence aren't taken out of it, though they are tags."""
    result = imported(read, "Tell @mum about +party cake, call 10:30 http://cake.example @shop")
    todo = result.todos[0]
    assert todo.title == "Tell @mum about +party cake, call 10:30 http://cake.example"
    assert (todo.tags, todo.list_id) == (("mum", "shop"), "party")


@pytest.mark.parametrize(
    ("line", "status", "completed"),
    [
        ("x Buy milk", Status.COMPLETED, None),
        ("x 2026-01-02 Buy milk", Status.COMPLETED, date(2026, 1, 2)),
        ("x 2026-01-02 2026-01-01 Buy milk", Status.COMPLETED, date(2026, 1, 2)),
        ("Buy milk", Status.PENDING, None),
    ],
)
def test_a_lower_case_x_is_done(line: str, status: Status, completed: date | None) -> None:
    """A todo is done by an x before it, with or without dates."""
    todo = imported(read, line).todo("Buy milk")
    assert todo.status == status
    assert (todo.completed_at and todo.completed_at.date()) == completed


def test_a_capital_x_is_part_of_the_title() -> None:
    """A capital X and a date that is none are text."""
    result = imported(read, "X 2026-01-02 Buy milk\n2026-13-45 Buy tea")
    assert result.titles == ["X 2026-01-02 Buy milk", "2026-13-45 Buy tea"]


@pytest.mark.parametrize(
    ("repeats", "rule", "from_completion"),
    [
        ("2w", "FREQ=WEEKLY;INTERVAL=2", True),
        ("+1m", "FREQ=MONTHLY;INTERVAL=1", False),
        ("+1b", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", False),
    ],
)
def test_repetitions_are_rules(repeats: str, rule: str | None, from_completion: bool) -> None:
    """A plus sign counts from the due date, nothing from completion."""
    todo = imported(read, f"Water plants due:2026-12-01 rec:{repeats}").todos[0]
    assert (todo.rule, todo.from_completion) == (rule, from_completion)


@pytest.mark.parametrize("words", ["rec:1w", "rec:often due:2026-12-01", "rec:3b due:2026-12-01"])
def test_a_repetition_without_a_rule_is_described(words: str) -> None:
    """A repetition that can't be one here goes into the description, and is reported."""
    result = imported(read, f"Water plants {words}")
    (problem,) = result.losses
    assert result.todos[0].rule is None
    assert words.split(maxsplit=1)[0].replace("rec:", "rec: ") in (
        result.todos[0].description or ""
    )
    assert (problem.location, problem.title) == ("line 1", "Water plants")


def test_children_name_their_parent() -> None:
    """A todo is a subtask of the one whose id its p: names, wherever that stands."""
    result = imported(read, "Choose colours p:1\nPaint the wall id:1\nAlone p:7")
    assert result.todos[0].parent_id == result.todos[1].foreign_id
    assert result.todos[2].parent_id is None
    assert len(result.losses) == 1


def test_ids_stay_where_other_lines_change() -> None:
    """A todo has the same id in a later file, be it done, or below others."""
    before = imported(read, "Buy milk\n(B) Buy tea +shop\nBuy milk")
    after = imported(read, "New one\nx 2026-01-01 Buy tea +shop due:2026-01-01\nBuy milk\nBuy milk")
    assert {todo.foreign_id for todo in before.todos} <= {todo.foreign_id for todo in after.todos}
    assert len({todo.foreign_id for todo in after.todos}) == 4


def test_a_line_that_is_too_long_is_reported() -> None:
    """A line that nobody wrote is a problem with its number, and the rest goes on."""
    result = imported(read, f"One\n{'x' * (MAX_TODO_LENGTH + 1)}\nTwo")
    (problem,) = result.problems
    assert (problem.location, problem.code) == ("line 2", ProblemCode.TOO_LONG)
    assert result.titles == ["One", "Two"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_any_usual_encoding_is_read(encoding: str) -> None:
    """A file of any usual encoding is read, with line ends of either kind."""
    content = "Grüße an Zoë senden\r\nMilch kaufen\r\n".encode(encoding)
    assert imported(read, content).titles == ["Grüße an Zoë senden", "Milch kaufen"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00" * 9])
def test_an_empty_file_is_refused(content: bytes) -> None:
    """A file without anything in it is no import."""
    with pytest.raises(UnreadableFile, match="empty"):
        imported(read, content)


def test_what_is_lost_of_one_todo_is_bounded() -> None:
    """A todo with thousands of values that have no home keeps the first of them, and says so once."""
    result = imported(read, f"Test {'p:1 ' * 2_000}")
    assert (result.todos[0].description or "").count("Parent: 1") == MAX_LOSSES
    assert len(result.losses) == MAX_LOSSES + 1
    assert result.losses[-1].code == ProblemCode.TOO_MANY
