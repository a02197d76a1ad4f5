"""Values of the change log, turned back into what is stored."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from strawberry.scalars import JSON

from todo_gql.api.time_zones import TimeZoneName
from todo_gql.features.todos.canonical_json import canonical_json
from todo_gql.features.todos.field_types import StoredField
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.recurrence_types import RecurrenceInput
from todo_gql.features.todos.state import sorted_json


def _names(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _unchanged(value: Any) -> Any:
    return value


# How values are parsed, by their type; the opposite of `TO_JSON` in `todos/history.py`.
FROM_JSON: dict[Any, Callable[[Any], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    UUID: UUID,
    JSON: canonical_json,
    list[str]: _names,
    str: _unchanged,
    TimeZoneName: _unchanged,
    int: _unchanged,
    bool: _unchanged,
    RecurrenceInput: sorted_json,
}


class LoggedValue(NamedTuple):
    """A field in the change log: its name in the schema, its attribute, and how values are parsed.

    `empty` is the value of a todo without one. The first value of a field that `is_generated` isn't in
    the log.
    """

    name: str
    attribute: str
    parse: Callable[[Any], Any]
    empty: Any
    is_generated: bool


def _parser(field: StoredField) -> Callable[[Any], Any]:
    if field.enum:
        return {member.name: member.value for member in field.enum}.__getitem__
    return FROM_JSON[field.value_type]


LOGGED_VALUES = {
    field.graphql_name: LoggedValue(
        field.graphql_name, field.name, _parser(field), field.initial, field.is_generated
    )
    for field in stored_fields()
    if field.logged
}
"""The fields in the change log, by their names in the schema."""


def stored_value(logged: LoggedValue, value: Any) -> Any:
    """The stored value that the log shows as `value`; for null the empty one.

    Raises `KeyError`, `ValueError`, `TypeError` or `AttributeError` for a value that can't be read.
    """
    return logged.empty if value is None else logged.parse(value)
