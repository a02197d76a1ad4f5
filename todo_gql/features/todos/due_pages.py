"""Pages of todos by DUE_AT whose filter names days, or nothing but open todos.

The index of all todos by `due_at` has many closed ones between those few, and todos that are due on a date
all in one place. So todos with a moment and those without are read apart, each from an index that
begins with the first of them; and of OVERDUE together with other days, those that are overdue by moments.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from todo_gql.api.keyset import Keyset, SortKey, parse_time
from todo_gql.api.split_pages import SplitList
from todo_gql.database.select import SelectQuery
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.day_pages import split_by_day
from todo_gql.features.todos.days import IS_OPEN, DuePart, days_of
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.filters import is_of_trash, listed_todos, narrow
from todo_gql.features.todos.inputs import TodoFilter, parts_of, unset_to_none
from todo_gql.features.todos.sorting import DUE_KEYS
from todo_gql.operation.clock import FilterClock
from todo_gql.security.authentication import Viewer


def split_by_due(
    viewer: Viewer, todo_filter: TodoFilter | None, clock: FilterClock, keyset: Keyset
) -> SplitList | None:
    """The parts of the todos that a filter matches; None where it helps nothing to split them."""
    if is_of_trash(todo_filter) or (todo_filter is not None and _has_search(todo_filter)):
        return None
    if by_day := split_by_day(viewer, todo_filter, clock, keyset):
        return by_day
    if todo_filter is None:
        return None
    nulls_first = DUE_KEYS.get(keyset.keys[0])
    if nulls_first is None:
        return None
    is_open = _is_of_open(todo_filter)
    if not (is_open or _has_days(todo_filter)):
        return None
    parts = _Parts(todo_filter, clock, keyset)
    early, late = (parts.open_ones if is_open else parts.others), None
    groups = _groups(todo_filter) - {DayGroup.NONE}
    if DayGroup.OVERDUE in groups and not is_open:
        early, late = parts.overdue, parts.others if len(groups) > 1 else None
    timed = [early, late] if late else [early]
    if keyset.keys[0].descending:
        timed.reverse()
    in_order = [parts.untimed, *timed] if nulls_first else [*timed, parts.untimed]

    def part_of(values: Sequence[Any]) -> int:
        if values[0] is None:
            return in_order.index(parts.untimed)
        return in_order.index(late if late and values[0] >= parts.today else early)

    return SplitList(listed_todos(viewer, todo_filter), in_order, part_of)


class _Parts:
    """The parts: each narrows a query of all todos, and returns its order."""

    def __init__(self, todo_filter: TodoFilter, clock: FilterClock, keyset: Keyset) -> None:
        self.todo_filter = todo_filter
        self.clock = clock
        self.keyset = keyset
        self.today = clock.start_of(clock.today)

    def untimed(self, statement: SelectQuery) -> Keyset:
        """Todos that are due at no moment."""
        narrow(statement, self.todo_filter, self.clock, DuePart(None))
        statement.where("t.due_at IS NULL")
        groups = _groups(self.todo_filter)
        if groups and DayGroup.NONE not in groups:
            # True of them all, and says how few: by days alone, those with a moment would be expected too,
            # and so many that walking through all todos in the order of the page would look cheaper.
            statement.where("t.due_date IS NOT NULL")
        first, last = self._span()
        if first and last and not groups & {DayGroup.OVERDUE, DayGroup.NONE}:
            bind = statement.bind
            statement.where(f"t.due_on >= {bind(first)} AND t.due_on <= {bind(last)}")
        return _untimed_keyset(self.keyset)

    def open_ones(self, statement: SelectQuery) -> Keyset:
        """Todos with a moment, if the filter says that they are open."""
        narrow(statement, self.todo_filter, self.clock, DuePart("t.due_at"))
        statement.where("t.due_at IS NOT NULL AND t.due_on IS NOT NULL")
        return _open_keyset(self.keyset)

    def overdue(self, statement: SelectQuery) -> Keyset:
        """Those due before today, if of these days only open ones match."""
        own = self.open_ones(statement)
        statement.where(f"t.due_at < {statement.bind(self.today)} AND {IS_OPEN}")
        return own

    def others(self, statement: SelectQuery) -> Keyset:
        """Todos with a moment, as the index of all todos has them: nulls are one of the infinities.

        Of groups of days from the first of them to the last, but for OVERDUE, which has a part of its own.
        """
        moment, bind, clock = self.keyset.keys[0].sql, statement.bind, self.clock
        narrow(statement, self.todo_filter, clock, DuePart(moment))
        statement.where(f"{moment} > '-infinity' AND {moment} < 'infinity'")
        first, last = self._span()
        if first is not None:
            statement.where(f"{moment} >= {bind(clock.start_of(first))}")
        if last is not None:
            statement.where(f"{moment} < {bind(clock.end_of(last))}")
        return self.keyset

    def _span(self) -> tuple[date | None, date | None]:
        """The first and the last day of all days of several groups, if there are such; not of OVERDUE."""
        groups = _groups(self.todo_filter)
        days = [days_of(one, self.clock) for one in groups - {DayGroup.OVERDUE, DayGroup.NONE}]
        firsts = [one.first for one in days if one.first]
        lasts = [one.last for one in days if one.last]
        if len(groups) == 1 or not days:
            return None, None
        return min(firsts), max(lasts) if len(lasts) == len(days) else None


@lru_cache(maxsize=256)
def _open_keyset(keyset: Keyset) -> Keyset:
    """The same order by the moment itself, which the index of open todos has."""
    first, *others = keyset.keys
    return Keyset(SortKey("due_at", "t.due_at", "due_at", parse_time, first.descending), *others)


@lru_cache(maxsize=256)
def _untimed_keyset(keyset: Keyset) -> Keyset:
    return Keyset(*keyset.keys[1:])


def _is_of_open(todo_filter: TodoFilter) -> bool:
    """Whether the filter's conditions say that a todo is open, so that each plan knows it."""
    if unset_to_none(todo_filter.is_overdue):
        return True
    # A field that the decorator adds, which type checkers don't see.
    if (status := unset_to_none(vars(todo_filter)["status"])) is not None:
        eq, any_of = unset_to_none(status.eq), unset_to_none(status.in_)
        for statuses in ([eq] if eq is not None else [], any_of or []):
            if statuses and {one.value for one in statuses} <= set(OPEN_STATUSES):
                return True
    if _groups(todo_filter) == {DayGroup.OVERDUE}:
        return True
    return any(map(_is_of_open, unset_to_none(todo_filter.and_) or ()))


def _groups(todo_filter: TodoFilter) -> set[DayGroup]:
    """The groups of days that a filter names at its top level; none without one."""
    due = unset_to_none(todo_filter.due)
    return set(unset_to_none(due.in_) or ()) if due is not None else set()


def _has_days(todo_filter: TodoFilter) -> bool:
    """Whether only todos of certain days match."""
    if unset_to_none(todo_filter.due) is not None:
        return True
    return any(map(_has_days, unset_to_none(todo_filter.and_) or ()))


def _has_search(todo_filter: TodoFilter) -> bool:
    """Whether the filter looks for a text, of which an index has few todos, in no order."""
    if unset_to_none(todo_filter.search) is not None:
        return True
    return any(map(_has_search, parts_of(todo_filter)))
