"""What one write did to one todo, in the words of the API."""

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


# How the values of these are shown; all others as they are, or as times.
SHOWN: dict[str, Callable[[Any], Any]] = {
    # It is JSON already, and may be long.
    "metadata": orjson.Fragment,
    "priority": {priority.value: priority.name for priority in Priority}.__getitem__,
    "status": {status.value: status.name for status in Status}.__getitem__,
}
NOT_LOGGED = frozenset({"id", "owner_id", "version", "created_at", "updated_at"})
# The logged fields by their names in the schema, in that order.
FIELDS = sorted(
    (to_camel_case(name), name, SHOWN.get(name, _as_json))
    for name in TodoState._fields
    if name not in NOT_LOGGED
)
_logged_values = attrgetter(*(attribute for _, attribute, _ in FIELDS))

# What a todo has before it is created, so that creating it lists what isn't empty.
NOTHING = frozenset({None, "", (), NO_METADATA})


class Entry(NamedTuple):
    """A line of the change log; `before` is None for a created todo."""

    before: TodoState | None
    after: TodoState

    @property
    def action(self) -> Action:
        """What the change did; a new status says more than anything else that changed."""
        if self.before is None:
            return Action.CREATED
        if self.before.status != self.after.status:
            return ACTION_BY_STATUS[Status(self.after.status)]
        if self.before.deleted_at == self.after.deleted_at:
            return Action.UPDATED
        return Action.DELETED if self.after.deleted_at else Action.RESTORED

    def changed_fields(self) -> list[dict[str, Any]]:
        """The fields that changed: a list of name, before and after, sorted by name."""
        after = _logged_values(self.after)
        if self.before is None:
            return [
                {"name": name, "before": None, "after": shown(value)}
                for (name, _, shown), value in zip(FIELDS, after, strict=True)
                if value not in NOTHING
            ]
        return [
            {"name": name, "before": shown(old), "after": shown(new)}
            for (name, _, shown), old, new in zip(
                FIELDS, _logged_values(self.before), after, strict=True
            )
            if old != new
        ]

    def diff(self) -> str:
        """The fields that changed, as JSON."""
        return orjson.dumps(self.changed_fields()).decode()
