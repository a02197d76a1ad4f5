"""What one write did to one todo, in the words of the API."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from todo_gql.models import Action, Priority, Status
from todo_gql.scalars import serialize_time
from todo_gql.todos.state import NO_METADATA, TodoState

ACTION_BY_STATUS = {
    Status.PENDING: Action.REOPENED,
    Status.IN_PROGRESS: Action.STARTED,
    Status.COMPLETED: Action.COMPLETED,
    Status.CANCELLED: Action.CANCELLED,
}


def _time(moment: datetime | None) -> str | None:
    return serialize_time(moment) if moment else None


def _same(value: Any) -> Any:
    return value


# The contract's stored fields in alphabetical order: attribute, and its value as JSON.
FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("actualMinutes", "actual_minutes", _same),
    ("completedAt", "completed_at", _time),
    ("deletedAt", "deleted_at", _time),
    ("description", "description", _same),
    ("dueAt", "due_at", _time),
    ("estimatedMinutes", "estimated_minutes", _same),
    ("metadata", "metadata", orjson.loads),
    ("priority", "priority", lambda value: Priority(value).name),
    ("status", "status", lambda value: Status(value).name),
    ("tags", "tags", _same),
    ("title", "title", _same),
)

# What a todo has before it is created, so that creating it lists what isn't empty.
NOTHING = (None, "", (), NO_METADATA)


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
