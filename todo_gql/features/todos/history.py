"""Entries of the change log: what one write did to one todo, in the terms of the API."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from strawberry.utils.str_converters import to_camel_case

from todo_gql.api.scalars import serialize_time
from todo_gql.database.models import Action, Priority, Status
from todo_gql.features.todos.state import NO_METADATA, TodoState

ACTION_BY_STATUS = {
    Status.PENDING: Action.REOPENED,
    Status.IN_PROGRESS: Action.STARTED,
    Status.COMPLETED: Action.COMPLETED,
    Status.CANCELLED: Action.CANCELLED,
}


def _as_json(value: Any) -> Any:
    return serialize_time(value) if isinstance(value, datetime) else value


# How the values of these are serialized; all others as they are, or as times.
TO_JSON: dict[str, Callable[[Any], Any]] = {
    # It is JSON already; parsing it could take long.
    "metadata": orjson.Fragment,
    "priority": {priority.value: priority.name for priority in Priority}.__getitem__,
    "status": {status.value: status.name for status in Status}.__getitem__,
}
NOT_LOGGED = frozenset({"id", "owner_id", "version", "created_at", "updated_at"})
# The logged fields: name in the schema, attribute, serializer; sorted by name.
FIELDS = sorted(
    (to_camel_case(name), name, TO_JSON.get(name, _as_json))
    for name in TodoState._fields
    if name not in NOT_LOGGED
)
_logged_values = attrgetter(*(attribute for _, attribute, _ in FIELDS))

# A new todo's entry leaves these values out.
EMPTY_VALUES = frozenset({None, "", (), NO_METADATA})


class Entry(NamedTuple):
    """An entry of the change log; `before` is None for a created todo."""

    before: TodoState | None
    after: TodoState

    @property
    def action(self) -> Action:
        """What the change did; a change of the status takes precedence."""
        if self.before is None:
            return Action.CREATED
        if self.before.status != self.after.status:
            return ACTION_BY_STATUS[Status(self.after.status)]
        if self.before.deleted_at == self.after.deleted_at:
            return Action.UPDATED
        return Action.DELETED if self.after.deleted_at else Action.RESTORED

    def changed_fields(self) -> list[dict[str, Any]]:
        """The changed fields, sorted by name: each has a name, a value before and one after."""
        after = _logged_values(self.after)
        if self.before is None:
            return [
                {"name": name, "before": None, "after": to_json(value)}
                for (name, _, to_json), value in zip(FIELDS, after, strict=True)
                if value not in EMPTY_VALUES
            ]
        return [
            {"name": name, "before": to_json(old), "after": to_json(new)}
            for (name, _, to_json), old, new in zip(
                FIELDS, _logged_values(self.before), after, strict=True
            )
            if old != new
        ]

    def diff(self) -> str:
        """The changed fields as JSON."""
        return orjson.dumps(self.changed_fields()).decode()
