"""The orders in which todos can be listed.

The expressions are those of the indexes in the migrations, to the letter.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache, partial
from typing import TypeAlias

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
from todo_gql.features.todos.field_types import StoredField
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.inputs import NullsOrder, SortDirection, TodoSort
from todo_gql.features.todos.list_access import LIST_OR_INBOX

MAX_KEYS = 5
"""What stands for the inbox in the index of positions."""

Order: TypeAlias = tuple[str, bool, bool]
"""The name of a field, whether it descends, and whether its nulls come first."""


def todo_keyset(sort: list[TodoSort] | None) -> Keyset:
    """The order that a client asks for, newest first if none; `BadUserInput` for too many keys."""
    if not sort:
        return NEWEST_FIRST
    if len(sort) > MAX_KEYS:
        raise BadUserInput(f"Sort by at most {MAX_KEYS} keys.")
    return _keyset(
        tuple(
            (key.field.value, key.direction is SortDirection.DESC, key.nulls is NullsOrder.FIRST)
            for key in sort
        )
    )


@lru_cache(maxsize=512)
def _keyset(orders: tuple[Order, ...]) -> Keyset:
    distinct: dict[str, Order] = {}
    for order in orders:
        distinct.setdefault(order[0], order)
        if order[0] == "position":
            # Positions are unique in a list: no further key has a say.
            return Keyset(*_all_sort_keys(distinct.values()))
    by_id = SortKey("id", "t.id", "id", parse_uuid, descending=orders[0][1])
    return Keyset(*_all_sort_keys(distinct.values()), by_id)


def _all_sort_keys(orders: Iterable[Order]) -> list[SortKey]:
    return [key for order in orders for key in _sort_keys(*order)]


def _sort_keys(name: str, descending: bool, nulls_first: bool) -> list[SortKey]:
    return SORT_KEYS[name](descending, nulls_first)


def _makes_keys(field: StoredField) -> Callable[[bool, bool], list[SortKey]]:
    """Makes a field's keys of whether it descends, and whether its nulls come first.

    Raises `TypeError` for a field of a type that has no order here.
    """
    if field.value_type is datetime:
        return lambda descending, nulls_first: [_time_key(field, descending, nulls_first)]
    if field.value_type is str:
        return partial(_keys, field, _text_key)
    if field.value_type in (int, bool) or field.enum:
        return partial(_keys, field, _number_key)
    raise TypeError(f"Todos can't be sorted by {field.name}: its type has no sort key.")


def _keys(
    field: StoredField,
    make_key: Callable[[StoredField, bool], SortKey],
    descending: bool,
    nulls_first: bool,
) -> list[SortKey]:
    """The key of a field's values; if they may be null, after one of whether they are."""
    if not field.is_nullable:
        return [make_key(field, descending)]
    is_null = f"(t.{field.name} IS NULL)::int"
    null_key = SortKey(
        f"{field.name} is null",
        is_null,
        f"{field.name}_is_null",
        parse_number,
        descending=nulls_first,
        extra=is_null,
        bound="{}::bigint",
    )
    return [null_key, make_key(field, descending)]


def _position_keys(descending: bool, _nulls_first: bool) -> list[SortKey]:
    """The list and the position in it, as the index has them: the inbox is the absence of a list."""
    return [
        SortKey(
            *("list", LIST_OR_INBOX, "list_key", parse_uuid),
            descending=descending,
            extra=LIST_OR_INBOX,
            bound="{}::uuid",
        ),
        _position_key(descending),
    ]


def _position_key(descending: bool) -> SortKey:
    return SortKey(
        *("position", "t.position", "position_key", parse_text),
        descending=descending,
        extra="t.position",
        bound="{}::text",
    )


def _time_key(field: StoredField, descending: bool, nulls_first: bool) -> SortKey:
    column, sql = field.name, f"t.{field.name}"
    if not field.is_nullable:
        return SortKey(column, sql, column, parse_time, descending)
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


def _text_key(field: StoredField, descending: bool) -> SortKey:
    column = f"coalesce(t.{field.name}, '')" if field.is_nullable else f"t.{field.name}"
    return SortKey(
        field.name,
        f'lower({column}) COLLATE "C"',
        f"{field.name}_key",
        parse_text,
        descending,
        extra=f"lower({column})",
        bound="{}::text",
    )


def _number_key(field: StoredField, descending: bool) -> SortKey:
    """The key of a number, of a Boolean, or of an enum by the numbers of its members."""
    name, sql = field.name, f"t.{field.name}"
    if not field.is_nullable and field.value_type is not bool:
        return SortKey(name, sql, name, parse_number, descending, bound="{}::bigint")
    number = f"coalesce({sql}::int, 0)"
    return SortKey(
        name, number, f"{name}_key", parse_number, descending, extra=number, bound="{}::bigint"
    )


FIRST_DAY = "2000-01-01"
"""The day from which those in cursors count."""


def _day_keys(name: str, descending: bool, nulls_first: bool) -> list[SortKey]:
    """The day, on which what has a time comes before what has none, and then the moment."""
    day, moment = f"t.{name}_on", f"t.{name}_at"
    is_null, number = f"({day} IS NULL)::int", f"coalesce({day} - '{FIRST_DAY}'::date, 0)"
    never = "coalesce({}, 'infinity'::timestamptz)"
    return [
        SortKey(
            *(f"{name} is null", is_null, f"{name}_is_null", parse_number, nulls_first),
            extra=is_null,
            bound="{}::bigint",
        ),
        SortKey(
            *(f"{name} day", number, f"{name}_day", parse_number, descending),
            extra=number,
            bound="{}::bigint",
        ),
        SortKey(
            *(f"{name} moment", never.format(moment), f"{name}_moment", parse_optional_time),
            descending=descending,
            extra=moment,
            bound=never.format("{}::timestamptz"),
        ),
    ]


SORT_KEYS = {field.name: _makes_keys(field) for field in stored_fields() if field.sort} | {
    "position": _position_keys,
    "due": partial(_day_keys, "due"),
    "start": partial(_day_keys, "start"),
}
DUE_KEYS = {
    SORT_KEYS["due_at"](descending, nulls_first)[0]: nulls_first
    for descending in (False, True)
    for nulls_first in (False, True)
}
"""The keys of `due_at`, and whether todos that are due at no moment come first by each."""
DAY_KEYS = {
    SORT_KEYS[name](descending, nulls_first)[0]: name
    for name in ("due", "start")
    for descending in (False, True)
    for nulls_first in (False, True)
}
"""The first keys of DUE and START, and which of them they are of."""
NEWEST_FIRST = _keyset((("created_at", True, False),))
BY_POSITION = Keyset(_position_key(descending=False))
"""The order of the todos of one list, or of the inbox, among which positions are unique."""
