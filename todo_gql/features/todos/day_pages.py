"""Pages of todos by DUE or START: todos with such a day are read from its index, all others apart.

Where nulls stand depends on the order, while an index without them has the days in both directions.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from todo_gql.api.keyset import Keyset, SortKey, parse_number
from todo_gql.api.split_pages import SplitList
from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.comparators import DayComparator
from todo_gql.features.todos.days import days_between, days_of
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.filters import listed_todos, narrow
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.sorting import DAY_KEYS, FIRST_DAY
from todo_gql.operation.clock import FilterClock
from todo_gql.security.authentication import Viewer

# A todo's own day is that of its own zone, and those of all zones are so near to one another.
NEAR: Final = timedelta(2)
# Of todos that aren't due, the index by moments has few others between.
WITHOUT_DUE: Final = "coalesce(t.due_at, 'infinity'::timestamptz) = 'infinity'"


def split_by_day(
    viewer: Viewer, todo_filter: TodoFilter | None, clock: FilterClock, keyset: Keyset
) -> SplitList | None:
    """The parts of the todos that a filter matches, with and without a day; None for other orders."""
    key = keyset.keys[0]
    name = DAY_KEYS.get(key)
    if name is None:
        return None

    def present(statement: SelectQuery) -> Keyset:
        if todo_filter is not None:
            narrow(statement, todo_filter, clock)
            _narrow_days(statement, unset_to_none(getattr(todo_filter, name)), clock, name)
        statement.where(f"t.{name}_on IS NOT NULL")
        return _present_keyset(keyset, name)

    def absent(statement: SelectQuery) -> Keyset:
        if todo_filter is not None:
            narrow(statement, todo_filter, clock)
        statement.where(f"t.{name}_on IS NULL")
        if name == "due":
            statement.where(WITHOUT_DUE)
        return _absent_keyset(keyset)

    in_order = [absent, present] if key.descending else [present, absent]

    def part_of(values: Sequence[Any]) -> int:
        return in_order.index(absent if values[0] else present)

    return SplitList(listed_todos(viewer, todo_filter), in_order, part_of)


def _narrow_days(
    statement: SelectQuery, days: DayComparator | None, clock: FilterClock, name: str
) -> None:
    """Have a scan of the index begin and end near the days that a filter compares."""
    first, last = _span(days, clock) if days is not None else (None, None)
    if first is not None and first - date.min >= NEAR:
        statement.where(f"t.{name}_on >= {statement.bind(first - NEAR)}")
    if last is not None and date.max - last >= NEAR:
        statement.where(f"t.{name}_on <= {statement.bind(last + NEAR)}")


def _span(comparator: DayComparator, clock: FilterClock) -> tuple[date | None, date | None]:
    groups = set(unset_to_none(comparator.in_) or ()) - {DayGroup.NONE}
    spans = [days_of(group, clock) for group in groups]
    firsts, lasts = [span.first for span in spans], [span.last for span in spans]
    bounds = days_between(comparator, clock)
    first = None if None in firsts else min((one for one in firsts if one), default=None)
    last = None if None in lasts else max((one for one in lasts if one), default=None)
    return first or bounds.first, last or bounds.last


@lru_cache(maxsize=256)
def _present_keyset(keyset: Keyset, name: str) -> Keyset:
    """The same order by the day itself, as the index has it."""
    _, day, *others = keyset.keys
    bound = f"('{FIRST_DAY}'::date + {{}}::bigint::int)"
    key = SortKey(day.name, f"t.{name}_on", day.column, parse_number, day.descending, bound=bound)
    return Keyset(key, *others)


@lru_cache(maxsize=256)
def _absent_keyset(keyset: Keyset) -> Keyset:
    """The order without the keys of days."""
    return Keyset(*keyset.keys[3:])
