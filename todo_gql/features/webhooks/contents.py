"""What an event is about, as its webhook's owner sees it at this moment, in the terms of the schema."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from todo_gql.api.scalars import serialize_time
from todo_gql.database.connection import Row, Values, fetch
from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.access import TODO_COLUMNS, all_todos
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.comments import COMMENT_COLUMNS, undeleted_comments
from todo_gql.features.todos.history import FIELDS
from todo_gql.features.todos.list_access import LIST_COLUMNS, all_lists
from todo_gql.features.todos.state import TodoState
from todo_gql.security.authentication import Viewer

LIST_FIELDS: Final = {
    "id": "id",
    "name": "name",
    "description": "description",
    "color": "color",
    "version": "version",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "archivedAt": "archived_at",
    "deletedAt": "deleted_at",
}
COMMENT_FIELDS: Final = {
    "id": "id",
    "todoId": "todo_id",
    "authorId": "author_id",
    "body": "body",
    "version": "version",
    "createdAt": "created_at",
    "editedAt": "edited_at",
}


async def todo_content(viewer: Viewer, todo_id: UUID) -> dict[str, Any] | None:
    """A todo by the names of its fields in the schema, in the trash, too; None if the viewer doesn't see it."""
    row = await _row(all_todos(viewer), "t.id", todo_id, (*TODO_COLUMNS, TAG_NAMES))
    if row is None:
        return None
    todo = TodoState.from_row(row)
    return {
        "id": str(todo.id),
        "version": todo.version,
        "createdAt": serialize_time(todo.created_at),
        "updatedAt": serialize_time(todo.updated_at),
    } | {name: to_json(getattr(todo, attribute)) for name, attribute, to_json in FIELDS}


async def list_content(viewer: Viewer, list_id: UUID) -> dict[str, Any] | None:
    """A list, as `todo_content`; in the trash for its owner alone."""
    row = await _row(all_lists(viewer), "l.id", list_id, LIST_COLUMNS)
    return _content(row, LIST_FIELDS) if row else None


async def comment_content(viewer: Viewer, comment_id: UUID) -> dict[str, Any] | None:
    """A comment that has words, as `todo_content`; none on a todo in the trash."""
    row = await _row(undeleted_comments(viewer), "c.id", comment_id, COMMENT_COLUMNS)
    return _content(row, COMMENT_FIELDS) if row else None


async def _row(statement: SelectQuery, column: str, id: UUID, columns: tuple[str, ...]) -> Any:
    statement.where(f"{column} = {statement.bind(id)}")
    rows: list[Row] = await fetch(statement.select(columns), *statement.values)
    return rows[0] if rows else None


def _content(row: Values, fields: Mapping[str, str]) -> dict[str, Any]:
    return {name: _json(row[column]) for name, column in fields.items()}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return serialize_time(value)
    return str(value) if isinstance(value, UUID) else value
