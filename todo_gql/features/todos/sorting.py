"""The orders in which todos can be listed.

The expressions are those of the indexes in the migrations, to the letter.
"""

from functools import lru_cache

from todo_gql.api.errors import BadUserInput
from todo_gql.api.keyset import (
    Keyset,
    SortKey,
    parse_number,
    parse_optional_time,
    parse_text,
    parse_time,
    parse_uuid,
)
from todo_gql.features.todos.inputs import NullsOrder, SortDirection, TodoSort, TodoSortField

MAX_KEYS = 5

Order = tuple[TodoSortField, bool, bool]


def todo_keyset(sort: list[TodoSort] | None) -> Keyset:
    """The order that a client asks for, newest first if none; `BadUserInput` for too many keys."""
    if not sort:
        return NEWEST_FIRST
    if len(sort) > MAX_KEYS:
        raise BadUserInput(f"Todos are sorted by at most {MAX_KEYS} keys.")
    return _keyset(
        tuple(
            (key.field, key.direction is SortDirection.DESC, key.nulls is NullsOrder.FIRST)
            for key in sort
        )
    )


@lru_cache(maxsize=512)
def _keyset(orders: tuple[Order, ...]) -> Keyset:
    distinct: dict[TodoSortField, Order] = {}
    for order in orders:
        distinct.setdefault(order[0], order)
    keys = [_sort_key(*order) for order in distinct.values()]
    return Keyset(*keys, SortKey("id", "t.id", "id", parse_uuid, descending=orders[0][1]))


def _sort_key(field: TodoSortField, descending: bool, nulls_first: bool) -> SortKey:
    column = str(field.value)
    sql = f"t.{column}"
    match field:
        case TodoSortField.TITLE:
            return SortKey(
                column,
                f'lower({sql}) COLLATE "C"',
                "title_key",
                parse_text,
                descending,
                extra=f"lower({sql})",
                bound="{}::text",
            )
        case TodoSortField.DUE_AT | TodoSortField.COMPLETED_AT:
            # A null counts as the infinity at the end where nulls are to stand.
            infinity = "-infinity" if nulls_first is not descending else "infinity"
            key = f"coalesce({{}}, '{infinity}'::timestamptz)"
            return SortKey(
                f"{column} {infinity}",
                key.format(sql),
                column,
                parse_optional_time,
                descending,
                bound=key.format("{}::timestamptz"),
            )
        case TodoSortField.PRIORITY | TodoSortField.STATUS:
            return SortKey(column, sql, column, parse_number, descending, bound="{}::bigint")
        case _:
            return SortKey(column, sql, column, parse_time, descending)


NEWEST_FIRST = _keyset(((TodoSortField.CREATED_AT, True, False),))
