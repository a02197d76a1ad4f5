"""The fields node and nodes: objects of any type by id, with one statement for all ids."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import strawberry

from todo_gql.api.errors import BadUserInput
from todo_gql.api.node import Node, parse_id
from todo_gql.api.scalars import diff_entries, json_fragment
from todo_gql.changelog.access import CHANGE_COLUMNS
from todo_gql.database.connection import Row, fetch
from todo_gql.features.accounts.access import SESSION_COLUMNS, USER_COLUMNS
from todo_gql.features.accounts.sessions import Session
from todo_gql.features.accounts.types import User
from todo_gql.features.todos.access import TAG_COLUMNS, TODO_COLUMNS
from todo_gql.features.todos.types import Change, Tag, Todo
from todo_gql.operation.context import Context, Info
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.security.authentication import Viewer

MAX_IDS = 100

COLUMNS_BY_ALIAS = {
    "t": TODO_COLUMNS,
    "g": TAG_COLUMNS,
    "c": CHANGE_COLUMNS,
    "u": USER_COLUMNS,
    "s": SESSION_COLUMNS,
}
NODES = f"""
SELECT {", ".join(f'{c} AS "{c}"' for columns in COLUMNS_BY_ALIAS.values() for c in columns)}
FROM unnest($2::uuid[]) WITH ORDINALITY AS requested (id, position)
LEFT JOIN todos t ON t.owner_id = $1 AND t.id = requested.id AND t.deleted_at IS NULL
LEFT JOIN tags g ON g.owner_id = $1 AND g.id = requested.id AND g.todo_count > 0
LEFT JOIN changes c ON c.owner_id = $1 AND c.id = requested.id
LEFT JOIN users u ON u.id = $1 AND u.id = requested.id
LEFT JOIN sessions s ON s.owner_id = $1 AND s.id = requested.id
    AND s.ended_at IS NULL AND s.expires_at > now()
ORDER BY requested.position
"""


def _columns_of(row: Row, alias: str) -> dict[str, Any] | None:
    """One table's columns in a joined row; None if the id is of another table."""
    if row[f"{alias}.id"] is None:
        return None
    return {column.removeprefix(f"{alias}."): row[column] for column in COLUMNS_BY_ALIAS[alias]}


def _node(row: Row, viewer: Viewer, context: Context) -> Node | None:
    if todo := _columns_of(row, "t"):
        return Todo.from_row(todo, context.now)
    if tag := _columns_of(row, "g"):
        return Tag.from_row(tag)
    if change := _columns_of(row, "c"):
        return Change.from_row(change)
    if session := _columns_of(row, "s"):
        return Session.from_row(session, viewer)
    user = _columns_of(row, "u")
    return User.from_row(user, viewer) if user else None


async def _nodes(context: Context, ids: Sequence[str]) -> list[Node | None]:
    viewer = context.signed_in()
    keys: list[UUID | None] = [parse_id(id) for id in ids]
    rows = await fetch(NODES, viewer.id, keys) if any(keys) else []
    rows = await parse_json_column(rows, "t.metadata", json_fragment)
    rows = await parse_json_column(rows, "c.diff", diff_entries)
    found = [_node(row, viewer, context) for row in rows]
    return found or [None] * len(ids)


@strawberry.type
class NodeQuery:
    """The query fields for anything with an id."""

    @strawberry.field(description="Anything of the viewer's by its id; null if there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The thing's id.")],
    ) -> Node | None:
        [found] = await _nodes(info.context, [id])
        return found

    @strawberry.field(
        description="In the order of the ids; null where there is nothing. At most 100."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="0 to 100 ids.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_IDS:
            raise BadUserInput(f"At most {MAX_IDS} ids at once, not {len(ids)}.")
        return await _nodes(info.context, ids)
