"""Saving, changing and deleting views, under the lock of their owner."""

from typing import Any
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.order_keys import MAX_KEY
from todo_gql.api.placement import LAST, Placement, Sibling, Siblings, keys_at, renumber
from todo_gql.database.connection import Connection, Row, fetchrow
from todo_gql.database.owner_batches import owner_transaction
from todo_gql.database.retry import retried
from todo_gql.features.views.access import VIEW_COLUMNS
from todo_gql.features.views.inputs import SavedViewInput, ViewDraft, read_view, unusable_id
from todo_gql.features.views.types import SavedView, SavedViewPayload
from todo_gql.operation.context import Context

MAX_VIEWS = 150

COLUMNS = ", ".join(VIEW_COLUMNS)
READ = f"SELECT {COLUMNS} FROM saved_views v WHERE v.owner_id = $1 AND v.id = $2"
COUNT = "SELECT count(*) FROM saved_views WHERE owner_id = $1"
INSERT = f"""
INSERT INTO saved_views AS v (owner_id, id, name, todo_filter, todo_sort, position, version,
    created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 1, now(), now()) RETURNING {COLUMNS}
"""
UPDATE = f"""
UPDATE saved_views v SET name = $3, todo_filter = $4, todo_sort = $5, position = $6,
    version = version + 1, updated_at = now()
WHERE v.owner_id = $1 AND v.id = $2 RETURNING {COLUMNS}
"""
DELETE = "DELETE FROM saved_views WHERE owner_id = $1 AND id = $2 RETURNING id"


@retried
async def create_view(context: Context, sent: SavedViewInput) -> SavedViewPayload:
    """Save a view; an error with the stored one if the id is in use already."""
    owner_id, draft = context.signed_in().id, await read_view(sent, context)
    view_id = draft.id or uuid7()
    try:
        async with owner_transaction(owner_id) as connection:
            if draft.id and (stored := await connection.fetchrow(READ, owner_id, draft.id)):
                return _exists(stored)
            if await connection.fetchval(COUNT, owner_id) >= MAX_VIEWS:
                message = f"There are {MAX_VIEWS} views at most. Delete one first."
                draft.problems.append(invalid(ErrorCode.TOO_MANY, message, "input"))
            if draft.problems:
                return SavedViewPayload(errors=draft.problems)
            sibling = Sibling(view_id)
            key = await _key_at(connection, owner_id, draft.placement or LAST, sibling)
            if not isinstance(key, str):
                return SavedViewPayload(errors=[key])
            row = await connection.fetchrow(INSERT, owner_id, view_id, *_values(draft), key)
    except asyncpg.UniqueViolationError as violation:
        # Under the lock nobody else takes a position of the owner's.
        if violation.constraint_name != "saved_views_pkey":
            raise
        return SavedViewPayload(errors=[unusable_id()])
    assert row is not None
    context.clear_loaders()
    return SavedViewPayload(view=SavedView.from_row(row))


@retried
async def update_view(
    context: Context, id: str, sent: SavedViewInput, expected_version: int | None
) -> SavedViewPayload:
    """Change a view; one that changes nothing leaves its version."""
    owner_id, draft = context.signed_in().id, await read_view(sent, context)
    view_id = parse_id(id)
    async with owner_transaction(owner_id) as connection:
        stored = await connection.fetchrow(READ, owner_id, view_id) if view_id else None
        if stored is None:
            return SavedViewPayload(errors=[not_found("id")])
        if expected_version not in (None, stored["version"]):
            return _conflict(stored)
        if draft.id not in (None, view_id):
            draft.problems.append(unusable_id())
        if draft.problems:
            return SavedViewPayload(errors=draft.problems)
        row = await _update(connection, stored, draft)
    if not isinstance(row, asyncpg.Record):
        return SavedViewPayload(errors=[row])
    context.clear_loaders()
    return SavedViewPayload(view=SavedView.from_row(row))


async def _update(connection: Connection, stored: Row, draft: ViewDraft) -> Row | UserError:
    """The view as it is now, or what is wrong with its place."""
    owner_id, view_id, key = stored["owner_id"], stored["id"], stored["position"]
    if draft.placement:
        new_key = await _key_at(connection, owner_id, draft.placement, Sibling(view_id, key))
        if not isinstance(new_key, str):
            return new_key
        key = new_key
    if not draft.has_sort:
        draft.sort_json = _parsed(stored["todo_sort"])
    before = (stored["name"], _parsed(stored["todo_filter"]), _parsed(stored["todo_sort"]))
    after = (draft.name, draft.filter_json, draft.sort_json)
    if (*before, stored["position"]) == (*after, key):
        return stored
    row = await connection.fetchrow(UPDATE, owner_id, view_id, *_values(draft), key)
    assert row is not None
    return row


async def _key_at(
    connection: Connection, owner_id: UUID, placement: Placement, view: Sibling
) -> str | UserError:
    """The key that puts a view where it is to stand; all keys are made anew where it gets too long."""
    siblings = Siblings("saved_views", "owner_id = $1", (owner_id,), "id IS NOT NULL")
    keys = await keys_at(connection, siblings, placement, [view], "input", "place")
    if not isinstance(keys, list):
        return keys
    [key] = keys
    if len(key) <= MAX_KEY:
        return key
    await renumber(connection, siblings)
    return await _key_at(connection, owner_id, placement, Sibling(view.id))


def _values(draft: ViewDraft) -> tuple[str, str, str | None]:
    """The name, the filter and the order, as they are bound."""
    sort = draft.sort_json
    return (
        draft.name,
        orjson.dumps(draft.filter_json).decode(),
        None if sort is None else orjson.dumps(sort).decode(),
    )


def _parsed(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _exists(stored: Row) -> SavedViewPayload:
    view = SavedView.from_row(stored)
    message = "A view with this id was saved already."
    error = ConflictError(
        code=ErrorCode.ALREADY_EXISTS, message=message, path=["input", "id"], current=view
    )
    return SavedViewPayload(view=view, errors=[error])


def _conflict(stored: Row) -> SavedViewPayload:
    view = SavedView.from_row(stored)
    message = f"It was changed meanwhile: the version is now {stored['version']}."
    error = ConflictError(
        code=ErrorCode.CONFLICT, message=message, path=["expectedVersion"], current=view
    )
    return SavedViewPayload(view=view, errors=[error])


async def delete_view(context: Context, id: str) -> list[UserError]:
    """Delete a view; returns why it isn't deleted."""
    owner_id, view_id = context.signed_in().id, parse_id(id)
    if view_id is None or await fetchrow(DELETE, owner_id, view_id) is None:
        return [not_found("id")]
    context.clear_loaders()
    return []
