"""Filters of todos, as conditions on the table `todos t`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

import strawberry

from todo_gql.api.errors import BadUserInput
from todo_gql.api.node import parse_id
from todo_gql.api.text import read_text, text_problem
from todo_gql.database.models import Todo, column_types
from todo_gql.database.select import SelectQuery
from todo_gql.features.stats.overdue import (
    OPEN_STATUSES,
    overdue_at,
    overdue_condition,
    overdue_on,
)
from todo_gql.features.todos.access import todo_ranges
from todo_gql.features.todos.columns import TAGS_OF_EACH_TODO
from todo_gql.features.todos.comparators import TagComparator
from todo_gql.features.todos.days import DAY_FIELDS, IS_OPEN, DayConditions, DuePart, day_conditions
from todo_gql.features.todos.field_types import StoredField
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.list_access import INBOX, LIST_OR_INBOX
from todo_gql.features.todos.searching import like_pattern, matches
from todo_gql.features.todos.snoozes import is_snoozed
from todo_gql.features.todos.tag_names import (
    MAX_LENGTH,
    MAX_NAMES,
    MAX_TAGS,
    normal_form,
    stored_forms,
)
from todo_gql.operation.clock import FilterClock
from todo_gql.security.authentication import Viewer

MAX_DEPTH = 5
MAX_PARTS = 50
MAX_ITEMS = 100
MAX_SEARCH = 5_000

# The operators of comparators, by the names of their attributes; the others are `is_null` and `contains`.
LISTS = {"eq": "= ANY", "in_": "= ANY", "not_in": "<> ALL"}
BOUNDS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
# Without the length of texts, to which PostgreSQL would cut what they are compared with.
COLUMN_TYPES = {
    name: "TEXT" if sql_type.startswith("VARCHAR") else sql_type
    for name, sql_type in column_types(Todo).items()
}
FILTERED = [stored for stored in stored_fields() if stored.filter]
EXPRESSIONS: Final = {"list_id": LIST_OR_INBOX}
# A single status as an equation: the index of statuses has its todos in the order of their ids.
OPEN_CONDITIONS: Final = {
    **{frozenset({one.value}): f"t.status = {one.value}" for one in OPEN_STATUSES},
    frozenset(one.value for one in OPEN_STATUSES): IS_OPEN,
}


def filtered_todos(
    viewer: Viewer, todo_filter: TodoFilter | None, clock: FilterClock
) -> SelectQuery:
    """The viewer's todos that a filter matches, by a `clock_of_filter`; `BadUserInput` if too large."""
    statement = listed_todos(viewer, todo_filter)
    if todo_filter is not None:
        narrow(statement, todo_filter, clock)
    return statement


def narrow(
    statement: SelectQuery, todo_filter: TodoFilter, clock: FilterClock, part: DuePart | None = None
) -> None:
    """Narrow a query of `listed_todos`, or of one part of them, to what a filter matches."""
    scope = f"t.deleted_at IS {'NOT NULL' if is_of_trash(todo_filter) else 'NULL'}"
    condition = FilterConditions(statement, clock, scope, part).of(todo_filter, depth=1)
    if condition != "TRUE":
        statement.where(condition)


def listed_todos(viewer: Viewer, todo_filter: TodoFilter | None) -> SelectQuery:
    """All of the viewer's todos among which a filter looks: those in the trash, or all others."""
    is_null = "IS NOT NULL" if is_of_trash(todo_filter) else "IS NULL"
    return todo_ranges(viewer).where(f"t.deleted_at {is_null}")


def is_of_trash(todo_filter: TodoFilter | None) -> bool:
    """Whether a filter looks among the todos in the trash."""
    return todo_filter is not None and unset_to_none(todo_filter.is_deleted) is True


def check_filter(todo_filter: TodoFilter, now: datetime) -> None:
    """Raise `BadUserInput` for a filter that is too large, or has texts that nobody can look for."""
    FilterConditions(SelectQuery("todos t"), FilterClock(now)).of(todo_filter, depth=1)


def is_plain(todo_filter: TodoFilter | None) -> bool:
    """Whether a filter matches just all todos outside the trash."""
    if todo_filter is None:
        return True
    values = vars(todo_filter)
    return all(
        unset_to_none(value) is None for name, value in values.items() if name != "is_deleted"
    ) and (unset_to_none(todo_filter.is_deleted) is not True)


def searched_text(todo_filter: TodoFilter | None) -> str:
    """What a filter searches for at its top level; empty without a search."""
    text = unset_to_none(todo_filter.search) if todo_filter else None
    return read_search(text, longest=MAX_SEARCH, multiline=True) if text else ""


@dataclass
class FilterConditions:
    """Turns one filter into a condition of one statement.

    With a scope, searches of which few of the owner's todos in it match find similar words, too. With
    a part, it is to hold for the todos of that part alone.
    """

    statement: SelectQuery
    clock: FilterClock
    scope: str | None = None
    part: DuePart | None = None
    parts_seen: int = 0
    names: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def of(self, todo_filter: TodoFilter, depth: int) -> str:
        """The SQL condition of a filter at a depth from 1; raises BadUserInput beyond the limits."""
        self.parts_seen += 1
        if depth > MAX_DEPTH or self.parts_seen > MAX_PARTS:
            raise BadUserInput(
                f"A filter may have at most {MAX_PARTS} parts, nested at most {MAX_DEPTH} deep."
            )
        if depth > 1 and unset_to_none(todo_filter.is_deleted) is not None:
            raise BadUserInput("Use isDeleted only at the top level of a filter.")
        parts = [*self._combined(todo_filter, depth), *self._compared(todo_filter)]
        return " AND ".join(f"({part})" for part in parts) or "TRUE"

    def _combined(self, todo_filter: TodoFilter, depth: int) -> list[str]:
        parts = []
        if (every := unset_to_none(todo_filter.and_)) is not None:
            parts += [self.of(part, depth + 1) for part in _limited(every)]
        if (some := unset_to_none(todo_filter.or_)) is not None:
            any_of = [f"({self.of(part, depth + 1)})" for part in _limited(some)]
            parts.append(" OR ".join(any_of) or "FALSE")
        if (other := unset_to_none(todo_filter.not_)) is not None:
            # A comparison with a null is unknown, and what isn't known to match is the rest.
            parts.append(f"({self.of(other, depth + 1)}) IS NOT TRUE")
        return parts

    def _compared(self, todo_filter: TodoFilter) -> list[str]:
        parts: list[str] = []
        for stored in FILTERED:
            comparator = unset_to_none(getattr(todo_filter, stored.name))
            if comparator is not None:
                parts += self._comparison(stored, comparator)
        for name, day_field in DAY_FIELDS.items():
            days = unset_to_none(getattr(todo_filter, name))
            if days is not None:
                # How many days there are decides between reading the index of days and reading a page.
                self.statement.custom_plan = True
                part = self.part if name == "due" else None
                conditions = DayConditions(day_field, self.clock, self.statement.bind, part)
                parts += day_conditions(conditions, days, self.clock)
        if (tags := unset_to_none(todo_filter.tags)) is not None:
            parts += self._tags(tags)
        if (is_overdue := unset_to_none(todo_filter.is_overdue)) is not None:
            parts += self._overdue(is_overdue)
        if (is_recurring := unset_to_none(todo_filter.is_recurring)) is not None:
            parts.append(f"t.recurrence IS {'NOT NULL' if is_recurring else 'NULL'}")
        if (snoozed := unset_to_none(todo_filter.is_snoozed)) is not None:
            parts.append(self._snoozed(snoozed))
        if (search := unset_to_none(todo_filter.search)) is not None:
            parts += self._search(search)
        return parts

    def _comparison(self, stored: StoredField, comparator: Any) -> list[str]:
        """The conditions of the operators that are set, or equality with a Boolean."""
        if isinstance(comparator, bool):
            return [f"t.{stored.name} = {self.statement.bind(comparator)}"]
        return [
            part
            for operator, value in vars(comparator).items()
            if unset_to_none(value) is not None
            for part in self._operation(stored, operator, value)
        ]

    def _operation(self, stored: StoredField, operator: str, value: Any) -> list[str]:
        column, bind = f"t.{stored.name}", self.statement.bind
        if stored.value_type is UUID:
            return [self._other_id(stored.name, operator, value)]
        if stored.name == "due_at" and self._is_without_moment():
            return ["TRUE" if operator == "is_null" and value else "FALSE"]
        if operator in LISTS:
            return [self._one_of(stored, operator, value)]
        if sign := BOUNDS.get(operator):
            [bound] = _operands(stored, [value])
            return [f"{column} {sign} {bind(bound)}"]
        if operator == "is_null":
            return [f"{column} IS {'NULL' if value else 'NOT NULL'}"]
        return self._contains(f"lower({column})", stored.graphql_name, value)

    def _one_of(self, stored: StoredField, operator: str, value: Any) -> str:
        """A condition on whether a column has one of these values."""
        values = _operands(stored, [value] if operator == "eq" else _limited(value))
        is_negated = operator == "not_in"
        if stored.name == "status" and not is_negated and frozenset(values) in OPEN_CONDITIONS:
            # In the statement itself, so that any plan of it can read the indexes of open todos.
            return OPEN_CONDITIONS[frozenset(values)]
        bound = f"{self.statement.bind(values)}::{COLUMN_TYPES[stored.name]}[]"
        part = f"t.{stored.name} {LISTS[operator]}({bound})"
        # A null is none of the values, though PostgreSQL calls it unknown.
        return f"({part}) IS NOT FALSE" if is_negated and stored.is_nullable else part

    def _other_id(self, name: str, operator: str, value: Any) -> str:
        """A condition on the id of another thing, such as a list, which may be null."""
        expression = EXPRESSIONS.get(name)
        column, bind = expression or f"t.{name}", self.statement.bind
        if operator == "is_null":
            if expression:
                return f"{column} {'=' if value else '<>'} {bind(INBOX)}"
            return f"{column} IS {'NULL' if value else 'NOT NULL'}"
        ids = _ids([value] if operator == "eq" else _limited(value))
        if operator == "not_in":
            return f"({column} <> ALL({bind(ids)}::uuid[])) IS NOT FALSE"
        # A sort by position reads the index in order for a single list, but not for an array.
        return (
            f"{column} = {bind(ids[0])}"
            if len(ids) == 1
            else f"{column} = ANY({bind(ids)}::uuid[])"
        )

    def _tags(self, comparator: TagComparator) -> list[str]:
        parts = []
        self._check_names(comparator)
        if (some := unset_to_none(comparator.some)) is not None:
            parts.append(self._carries(_names(some)))
        if (every := unset_to_none(comparator.every)) is not None:
            forms_by_name = defaultdict[str, set[str]](set)
            for name in _checked_names(every):
                forms_by_name[normal_form(name)] |= stored_forms(name)
            # No todo carries more, and a value that is bound has to stand in the statement.
            distinct = islice(forms_by_name.values(), MAX_TAGS + 1)
            parts += [self._carries(sorted(forms)) for forms in distinct]
        if (none := unset_to_none(comparator.none)) is not None:
            parts.append(f"NOT {self._carries(_names(none))}")
        if (is_empty := unset_to_none(comparator.is_empty)) is not None:
            parts.append(f"{'NOT ' if is_empty else ''}EXISTS (SELECT FROM {TAGS_OF_EACH_TODO})")
        return parts

    def _check_names(self, comparator: TagComparator) -> None:
        """Note the names of tags; `BadUserInput` when all of the filter's are too much to fold."""
        for names in (comparator.some, comparator.every, comparator.none):
            self.names.update(_limited(unset_to_none(names) or []))
        # Counted before any of them is looked at, those too that are too long to be a tag's.
        if sum(len(name) for name in self.names if not name.isascii()) > MAX_NAMES * MAX_LENGTH:
            raise BadUserInput("The tag names in a filter are too long together. Use fewer.")

    def _carries(self, names: list[str]) -> str:
        return f"EXISTS (SELECT FROM {TAGS_OF_EACH_TODO} AND g.name = ANY({self.statement.bind(names)}::text[]))"

    def _overdue(self, is_overdue: bool) -> list[str]:
        now, today = self.clock.now, self.clock.today
        if self.part is None:
            due = overdue_condition(self.statement.bind(now), self.statement.bind(today))
        elif self.part.moment is None:
            due = overdue_on(self.statement.bind(today))
        else:
            due = overdue_at(self.statement.bind(now))
        return [due if is_overdue else f"({due}) IS NOT TRUE"]

    def _snoozed(self, snoozed: bool) -> str:
        # How many there are decides between reading those and reading a page.
        self.statement.custom_plan = True
        condition = is_snoozed(self.statement.bind, self.clock)
        return condition if snoozed else f"NOT ({condition})"

    def _is_without_moment(self) -> bool:
        return self.part is not None and self.part.moment is None

    def _search(self, text: str) -> list[str]:
        text = read_search(text, longest=MAX_SEARCH, multiline=True)
        if not text:
            return []
        self.texts.add(text)
        # Folding some characters gives many others.
        if sum(len(one) for one in self.texts if not one.isascii()) > MAX_SEARCH:
            raise BadUserInput("The searches in a filter are too long together. Use fewer.")
        # How common the text is decides between reading the index of texts and reading a page.
        self.statement.custom_plan = True
        return [matches(self.statement.bind, text, self.scope, self.statement.ranges)]

    def _contains(self, in_lower_case: str, name: str, text: str) -> list[str]:
        """Whether a text contains another; `name` is that of the field of the filter."""
        text = read_search(text, longest=MAX_SEARCH, multiline=True, name=name)
        if not text:
            return []
        # How common the text is decides between reading the index of texts and reading a page.
        self.statement.custom_plan = True
        return [f"{in_lower_case} LIKE lower({self.statement.bind(like_pattern(text))})"]


def _limited(items: list[Any]) -> list[Any]:
    if len(items) > MAX_ITEMS:
        raise BadUserInput(f"A list in a filter may have at most {MAX_ITEMS} items.")
    return items


def _operands(stored: StoredField, values: Sequence[Any]) -> list[Any]:
    """The values to compare a column with; ids that are none are left out."""
    if stored.enum:
        return [member.value for member in values]
    if stored.value_type is strawberry.ID:
        return _ids(values)
    if stored.value_type is str:
        return [
            read_search(text, longest=MAX_SEARCH, multiline=True, name=stored.graphql_name)
            for text in values
        ]
    return list(values)


def _ids(texts: Sequence[str]) -> list[UUID]:
    """The ids among some texts, of which nothing has the one that stands for the inbox."""
    return [parsed for text in texts if (parsed := parse_id(text)) and parsed != INBOX]


def _checked_names(names: list[str]) -> list[str]:
    for name in _limited(names):
        if problem := text_problem(name, longest=MAX_SEARCH):
            raise BadUserInput(f"tags: {problem[1]}")
    return names


def _names(names: list[str]) -> list[str]:
    return sorted({form for name in _checked_names(names) for form in stored_forms(name)})


def read_search(text: str, *, longest: int, multiline: bool = False, name: str = "search") -> str:
    """A text to look for, empty where it shows nothing; `BadUserInput` when something is wrong.

    `name` is that of its argument or field.
    """
    read, problem = read_text(text, longest=longest, multiline=multiline, as_typed=True)
    if problem:
        raise BadUserInput(f"{name}: {problem[1]}")
    return read
