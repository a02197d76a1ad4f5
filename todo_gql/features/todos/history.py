"""Entries of the change log: what one write did to one todo, in the terms of the API."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import orjson
from strawberry.scalars import JSON

from todo_gql.api.scalars import serialize_time
from todo_gql.database.models import Action, Status
from todo_gql.features.todos.canonical_json import NO_METADATA
from todo_gql.features.todos.field_types import StoredField
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.recurrence_types import RecurrenceInput
from todo_gql.features.todos.state import TodoState

ACTION_BY_STATUS: dict[int, Action] = {
    Status.PENDING: Action.REOPENED,
    Status.IN_PROGRESS: Action.STARTED,
    Status.COMPLETED: Action.COMPLETED,
    Status.CANCELLED: Action.CANCELLED,
}


def _unchanged(value: Any) -> Any:
    return value


# How values are serialized, by their type; all others are JSON as they are.
TO_JSON: dict[Any, Callable[[Any], Any]] = {
    datetime: serialize_time,
    date: date.isoformat,
    # It is JSON already; parsing it could take long.
    JSON: orjson.Fragment,
    RecurrenceInput: orjson.Fragment,
    # The driver's UUIDs are of a subclass, which orjson doesn't know.
    UUID: str,
}


LoggedField: TypeAlias = tuple[str, str, Callable[[Any], Any]]
"""A field in the change log: name in the schema, attribute, serializer."""


def _serializer(field: StoredField) -> Callable[[Any], Any]:
    to_json = TO_JSON.get(field.value_type)
    if field.enum:
        to_json = {member.value: member.name for member in field.enum}.__getitem__
    return field.nullable(to_json) if to_json else _unchanged


def _logged(fields: Iterable[StoredField]) -> list[LoggedField]:
    return sorted((field.graphql_name, field.name, _serializer(field)) for field in fields)


# Sorted by name.
FIELDS = _logged(field for field in stored_fields() if field.logged)
FIELDS_OF_NEW = _logged(
    field for field in stored_fields() if field.logged and not field.is_generated
)
_logged_values = attrgetter(*(attribute for _, attribute, _ in FIELDS))
_logged_values_of_new = attrgetter(*(attribute for _, attribute, _ in FIELDS_OF_NEW))

# A new todo's entry leaves these values out.
EMPTY_VALUES = frozenset({None, "", (), NO_METADATA})


class LoggedFields(NamedTuple):
    """The changed fields, sorted by name: each has a name, a value before and one after.

    `diff` is the same as JSON.
    """

    fields: list[dict[str, Any]]
    diff: bytes


class _States(NamedTuple):
    before: TodoState | None
    after: TodoState


class Entry(_States):
    """An entry of the change log: the states `before` and `after`; None before a todo is created.

    `other_fields` are changes of what isn't part of the state, such as files: each has a `name`, and lists
    of texts or null `before` and `after`. Whoever sets them raises the version.
    """

    other_fields: Sequence[Mapping[str, Any]] = ()

    @property
    def action(self) -> Action:
        """What the change did; a change of the status takes precedence."""
        if self.before is None:
            return Action.CREATED
        if self.before.status != self.after.status and not self._is_completed_occurrence:
            return ACTION_BY_STATUS[self.after.status]
        if self.before.deleted_at == self.after.deleted_at:
            return Action.UPDATED
        return Action.DELETED if self.after.deleted_at else Action.RESTORED

    @property
    def list_ids(self) -> Iterable[UUID | None]:
        """The lists, or None, in which the todo is before the change and after it."""
        before, after = self
        if before is None or before.list_id == after.list_id:
            return (after.list_id,)
        return (before.list_id, after.list_id)

    @property
    def _is_completed_occurrence(self) -> bool:
        """Whether an occurrence was completed, and the todo goes on with the next one."""
        before, after = self
        return (
            before is not None
            and None not in (before.recurrence, after.recurrence)
            and before.recurrence != after.recurrence
            and after.status == Status.PENDING
        )

    @cached_property
    def logged(self) -> LoggedFields:
        """The changed fields; stored, since both the quota and the log need them."""
        fields = self._changed_fields()
        if self.other_fields:
            fields = sorted([*fields, *map(dict, self.other_fields)], key=itemgetter("name"))
        return LoggedFields(fields, orjson.dumps(fields))

    def _changed_fields(self) -> list[dict[str, Any]]:
        if self.before is None:
            return [
                {"name": name, "before": None, "after": to_json(value)}
                for (name, _, to_json), value in zip(
                    FIELDS_OF_NEW, _logged_values_of_new(self.after), strict=True
                )
                if value not in EMPTY_VALUES
            ]
        return [
            {"name": name, "before": to_json(old), "after": to_json(new)}
            for (name, _, to_json), old, new in zip(
                FIELDS, _logged_values(self.before), _logged_values(self.after), strict=True
            )
            if old != new
        ]
