"""Reading todo.txt, a todo on each line: https://github.com/todotxt/todo.txt."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import IO, Final

from todo_gql.database.models import Priority, Status
from todo_gql.importing.contents import lines_of, read_bytes
from todo_gql.importing.drafts import MAX_TODOS, Losses, PathIds, foreign_id, titled
from todo_gql.importing.moments import parse_day, rule_problem
from todo_gql.importing.records import (
    ImportedDate,
    ImportedList,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
)

MAX_TODO_LENGTH: Final = 10_000
_PRIORITY: Final = re.compile(r"\(([A-Z])\) ")
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ")
_RECURRENCE: Final = re.compile(r"(\+?)([0-9]{1,3})([dwmyb])")
_UNITS: Final = {"d": "DAILY", "w": "WEEKLY", "m": "MONTHLY", "y": "YEARLY"}
_BUSINESS_DAYS: Final = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
_PRIORITIES: Final = {"A": Priority.URGENT, "B": Priority.HIGH, "C": Priority.MEDIUM}
_KEYS: Final = ("due", "t", "rec", "id", "p", "h", "pri")
# Hours that no zone's day leaves: a date becomes a moment of the same day nearly everywhere.
_MIDDAY: Final = time(12, tzinfo=UTC)


@dataclass
class _Line:
    """A line taken apart; `values` has the keys that are known here, each with all of its values."""

    is_done: bool = False
    priority: str = ""
    created: date | None = None
    completed: date | None = None
    text: str = ""
    tags: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)

    def value(self, key: str) -> str:
        """The first value of a key; empty without one."""
        return self.values.get(key, [""])[0]

    @property
    def title(self) -> str:
        """What there is besides tags and keys; the tags if there is nothing."""
        return titled(self.text, " ".join([*self.tags, *self.projects]))


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The todos of a file of todo.txt: `+project` is their list, `@context` a tag, `p:` their parent by `id:`.

    Raises `UnreadableFile`.
    """
    content = read_bytes(file)
    # A parent may stand below its children.
    own_ids, by_number = _ids(content)
    lists = set[str]()
    for number, line in _lines(content):
        location = f"line {number}"
        if line is None:
            message = f"The line is longer than {MAX_TODO_LENGTH:,} characters."
            yield Problem(location, ProblemCode.TOO_LONG, message)
            continue
        own_id = own_ids.get(number)
        if own_id is None:
            message = f"Only the first {MAX_TODOS:,} lines are imported."
            yield Problem(location, ProblemCode.TOO_MANY, message)
            return
        todo = _parsed(line)
        if todo.projects and todo.projects[0] not in lists:
            lists.add(todo.projects[0])
            yield ImportedList(foreign_id(todo.projects[0]), location, todo.projects[0])
        parent_id = by_number.get(todo.value("p"))
        yield from _items(
            todo, location, own_id, None if parent_id == own_id else parent_id, options
        )


def _lines(content: bytes) -> Iterator[tuple[int, str | None]]:
    for number, line in lines_of(content):
        if line is None or len(line) > MAX_TODO_LENGTH:
            yield number, None
        elif line.strip():
            yield number, line.strip()


def _ids(content: bytes) -> tuple[dict[int, str], dict[str, str]]:
    """The ids of todos by their lines, and by what their `id:` says.

    Such a number is free again once its todo is gone, so that the title makes the identity.
    """
    ids = PathIds()
    by_line, by_number = dict[int, str](), dict[str, str]()
    for number, line in islice(_lines(content), MAX_TODOS):
        if line is not None:
            todo = _parsed(line)
            by_line[number] = ids.next(*todo.projects[:1], todo.title)
            if own := todo.value("id"):
                by_number.setdefault(own, by_line[number])
    return by_line, by_number


def _parsed(line: str) -> _Line:
    todo = _Line(is_done=line.startswith("x "))
    rest = line[2:].lstrip() if todo.is_done else line
    if match := _PRIORITY.match(rest):
        todo.priority, rest = match[1], rest[match.end() :].lstrip()
    dates = list[date]()
    while (
        len(dates) <= todo.is_done and (match := _DATE.match(rest)) and (day := parse_day(match[1]))
    ):
        dates.append(day)
        rest = rest[match.end() :].lstrip()
    if todo.is_done and dates:
        todo.completed = dates.pop(0)
    todo.created = dates[0] if dates else None
    words = [word for word in rest.split() if not _is_known(word, todo)]
    _read_tags(words, todo)
    return todo


def _is_known(word: str, todo: _Line) -> bool:
    """Whether a word is a key with its value that is stored elsewhere than in the title."""
    key, _, value = word.partition(":")
    if key not in _KEYS or not value:
        return False
    todo.values.setdefault(key, []).append(value)
    return True


def _read_tags(words: list[str], todo: _Line) -> None:
    """Take tags and projects out of the words; within a sentence they stay in the title, too."""
    for word in words:
        if len(word) > 1 and word[0] in "@+":
            (todo.tags if word[0] == "@" else todo.projects).append(word[1:])
    while words and len(words[-1]) > 1 and words[-1][0] in "@+":
        words.pop()
    while words and len(words[0]) > 1 and words[0][0] in "@+":
        words.pop(0)
    todo.text = " ".join(words)


def _items(
    todo: _Line, location: str, own_id: str, parent_id: str | None, options: ReadOptions
) -> Iterator[Item]:
    losses = Losses(location, todo.title)
    due, start = _date(todo, "due", losses), _date(todo, "t", losses)
    rule, from_completion = _rule(todo, due, losses, options)
    if todo.value("h"):
        losses.add("Hidden", f"h:{todo.value('h')}", "todos here are never hidden")
    parents = todo.values.get("p", [])
    for other in parents if parents and parent_id is None else parents[1:]:
        losses.add("Parent", other, "it is no other todo of the file, or not the only one")
    yield ImportedTodo(
        foreign_id=own_id,
        location=location,
        title=todo.title,
        description=losses.described(None),
        status=Status.COMPLETED if todo.is_done else Status.PENDING,
        priority=_priority(todo.priority or todo.value("pri")),
        tags=tuple(dict.fromkeys([*todo.tags, *todo.projects[1:]])),
        list_id=foreign_id(todo.projects[0]) if todo.projects else None,
        parent_id=parent_id,
        due=due,
        start=start,
        rule=rule,
        from_completion=from_completion,
        created_at=_moment(todo.created),
        completed_at=_moment(todo.completed),
    )
    yield from losses.problems


def _date(todo: _Line, key: str, losses: Losses) -> ImportedDate | None:
    value = todo.value(key)
    if not value:
        return None
    if day := parse_day(value):
        return ImportedDate(day=day)
    losses.add(key, value, "it is no date like 2027-01-31", ProblemCode.INVALID)
    return None


def _rule(
    todo: _Line, due: ImportedDate | None, losses: Losses, options: ReadOptions
) -> tuple[str | None, bool]:
    """The rule that `rec:` says, and whether it counts from completion, as it does without a plus sign."""
    value = todo.value("rec")
    if not value:
        return None, False
    match = _RECURRENCE.fullmatch(value)
    if match is None:
        losses.add("rec", value, "it is no repetition like 2w or +1m")
        return None, False
    is_from_due, number, unit = match.groups()
    rule = f"FREQ={_UNITS[unit]};INTERVAL={int(number)}" if unit in _UNITS else _BUSINESS_DAYS
    if todo.is_done:
        problem: str | None = "what is done doesn't repeat"
    elif unit not in _UNITS and (number, is_from_due) != ("1", "+"):
        problem = "business days aren't counted"
    else:
        problem = rule_problem(rule, due, options.zone, from_completion=not is_from_due)
    if problem:
        losses.add("rec", value, problem)
        return None, False
    return rule, not is_from_due


def _priority(letter: str) -> Priority | None:
    return _PRIORITIES.get(letter, Priority.LOW) if letter else None


def _moment(day: date | None) -> datetime | None:
    return datetime.combine(day, _MIDDAY) if day else None
