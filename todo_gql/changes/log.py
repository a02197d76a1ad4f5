"""What one write did to one todo, in the words of the API."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from strawberry.utils.str_converters import to_camel_case

from todo_gql.models import Action, Priority, Status
from todo_gql.scalars import serialize_time
from todo_gql.todos.state import NO_METADATA, TodoState

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
    "metadata": orjson.loads,
    "priority": lambda value: Priority(value).name,
    "status": lambda value: Status(value).name,
}
NOT_LOGGED = frozenset({"id", "owner_id", "version", "created_at", "updated_at"})
# The logged fields by their names in the schema, in that order.
FIELDS = sorted(
    (to_camel_case(field.name), field.name, SHOWN.get(field.name, _as_json))
    for field in fields(TodoState)
    if field.name not in NOT_LOGGED
)

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

    def diff(self) -> str:
        """The fields that changed, as JSON: a list of name, before and after, sorted by name."""
        return orjson.dumps(list(self._changed_fields())).decode()

    def _changed_fields(self) -> Iterator[dict[str, Any]]:
        for name, attribute, shown in FIELDS:
            after = getattr(self.after, attribute)
            if self.before is None:
                if after not in NOTHING:
                    yield {"name": name, "before": None, "after": shown(after)}
                continue
            before = getattr(self.before, attribute)
            if before != after:
                yield {"name": name, "before": shown(before), "after": shown(after)}
