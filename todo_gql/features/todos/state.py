"""The stored state of a todo, and its successor by an edit."""

from datetime import datetime
from typing import Any, NamedTuple, Self, TypedDict
from uuid import UUID

import orjson

from todo_gql.database.connection import Values
from todo_gql.database.models import Priority, Status
from todo_gql.features.todos.tag_names import as_carried

NO_METADATA = "{}"


def canonical_json(value: object) -> str:
    """The canonical text of a JSON value: equal values have equal texts."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


class TodoEdit(TypedDict, total=False):
    """The validated values that replace those of a todo; absent ones stay."""

    title: str
    description: str | None
    status: int
    priority: int
    due_at: datetime | None
    estimated_minutes: int | None
    actual_minutes: int | None
    tags: tuple[str, ...]
    metadata: str


class TodoState(NamedTuple):
    """All stored values of a todo; `metadata` is canonical JSON, `tags` are sorted names."""

    id: UUID
    owner_id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    status: int = Status.PENDING.value
    priority: int = Priority.MEDIUM.value
    due_at: datetime | None = None
    completed_at: datetime | None = None
    estimated_minutes: int | None = None
    actual_minutes: int | None = None
    tags: tuple[str, ...] = ()
    metadata: str = NO_METADATA
    version: int = 1
    deleted_at: datetime | None = None

    @classmethod
    def new(cls, id: UUID, owner_id: UUID, edit: TodoEdit, now: datetime) -> Self:
        """A new todo with these values."""
        completed_at = now if edit.get("status") == Status.COMPLETED else None
        return cls(id, owner_id, created_at=now, updated_at=now, completed_at=completed_at, **edit)

    @classmethod
    def from_row(cls, row: Values) -> Self:
        """The state in a row of the todos table with its tags' names."""
        values = {name: row[name] for name in STORED_COLUMNS}
        values["metadata"] = canonical_json(orjson.loads(row["metadata"]))
        return cls(**values, tags=tuple(row["tags"]))

    def as_row(self) -> dict[str, Any]:
        """The values by column name, and the tags."""
        return dict(zip(COLUMNS, self, strict=True))

    def with_edit(self, edit: TodoEdit, now: datetime) -> Self:
        """This todo after an edit; `completed_at` follows the status."""
        completed = edit.get("status", self.status) == Status.COMPLETED
        todo = self._replace(**edit, completed_at=(self.completed_at or now) if completed else None)
        return todo._replace(tags=as_carried(todo.tags, self.tags)) if "tags" in edit else todo


COLUMNS = TodoState._fields
STORED_COLUMNS = tuple(name for name in COLUMNS if name != "tags")
