"""Pages of todos by DUE_AT whose filter names days, or nothing but open todos.

The index of all todos by `due_at` has many closed ones between those few, and todos that are due on a date
all in one place. So todos with a moment and those without are read apart, each from an index that
begins with the first of them.
"""

from functools import lru_cache

from todo_gql.api.keyset import Keyset, SortKey, parse_time
from todo_gql.api.split_pages import SplitList
from todo_gql.api.time_zones import LocalClock
from todo_gql.database.select import SelectQuery
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.days import DuePart
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.filters import is_of_trash, listed_todos, narrow
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.sorting import DUE_KEYS
from todo_gql.security.authentication import Viewer


def split_by_due(
    viewer: Viewer, todo_filter: TodoFilter | None, clock: LocalClock, keyset: Keyset
) -> SplitList | None:
    """The two parts of the todos that a filter matches; None where it helps nothing to split them."""
    if todo_filter is None or is_of_trash(todo_filter):
        return None
    nulls_first = DUE_KEYS.get(keyset.keys[0])
    if nulls_first is None:
        return None
    is_open = _is_of_open(todo_filter)
    if not (is_open or _has_days(todo_filter)) or _has_search(todo_filter):
        return None

    def timed(statement: SelectQuery) -> Keyset:
        own = _timed_keyset(keyset, is_open=is_open)
        moment = own.keys[0].sql
        narrow(statement, todo_filter, clock, DuePart(moment))
        # As the index has it, where a null is one of the infinities.
        is_known = f"{moment} > '-infinity' AND {moment} < 'infinity'"
        statement.where("t.due_at IS NOT NULL AND t.due_on IS NOT NULL" if is_open else is_known)
        return own

    def untimed(statement: SelectQuery) -> Keyset:
        narrow(statement, todo_filter, clock, DuePart(None))
        statement.where("t.due_at IS NULL")
        return _untimed_keyset(keyset)

    parts = (untimed, timed) if nulls_first else (timed, untimed)
    return SplitList(
        listed_todos(viewer, todo_filter),
        *parts,
        lambda values: (values[0] is None) is not nulls_first,
    )


@lru_cache(maxsize=256)
def _timed_keyset(keyset: Keyset, *, is_open: bool) -> Keyset:
    first, *others = keyset.keys
    if is_open:
        first = SortKey("due_at", "t.due_at", "due_at", parse_time, first.descending)
    return Keyset(first, *others)


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
    due = unset_to_none(todo_filter.due)
    groups = unset_to_none(due.in_) if due is not None else None
    if groups and set(groups) == {DayGroup.OVERDUE}:
        return True
    return any(map(_is_of_open, unset_to_none(todo_filter.and_) or ()))


def _has_days(todo_filter: TodoFilter) -> bool:
    """Whether only todos of certain days match."""
    if unset_to_none(todo_filter.due) is not None:
        return True
    return any(map(_has_days, unset_to_none(todo_filter.and_) or ()))


def _has_search(todo_filter: TodoFilter) -> bool:
    """Whether the filter looks for a text, of which an index has few todos, in no order."""
    if unset_to_none(todo_filter.search) is not None:
        return True
    parts = [*(unset_to_none(todo_filter.and_) or ()), *(unset_to_none(todo_filter.or_) or ())]
    other = unset_to_none(todo_filter.not_)
    return any(map(_has_search, parts)) or (other is not None and _has_search(other))
