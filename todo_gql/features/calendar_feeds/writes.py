"""Making calendar feeds, and ending them, under the lock of their owner."""

from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Final
from uuid import UUID

from orjson import dumps
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Connection, fetchrow
from todo_gql.database.owner_batches import owner_transaction
from todo_gql.database.retry import retried
from todo_gql.features.calendar_feeds.access import FEED_COLUMNS, SECRET_BYTES, hash_of
from todo_gql.features.calendar_feeds.types import CalendarFeed, CalendarFeedPayload
from todo_gql.features.todos.item_lists import duplicates, size_problems
from todo_gql.features.todos.validators import text
from todo_gql.operation.context import Context
from todo_gql.security.access import is_member
from todo_gql.settings import Settings

MAX_FEEDS: Final = 20
FEED_PATH: Final = "calendars"
read_label = text(longest=100)

COUNT: Final = "SELECT count(*) FROM calendar_feeds WHERE owner_id = $1"
# Nobody leaves a list meanwhile: that takes the lock of their account, too.
VISIBLE_LISTS: Final = f"""
SELECT l.id FROM lists l
WHERE l.id = ANY($2) AND l.deleted_at IS NULL AND (l.owner_id = $1 OR {is_member("l.id")})
"""
INSERT: Final = f"""
INSERT INTO calendar_feeds AS f (owner_id, id, label, list_ids, as_events, secret_hash, created_at)
VALUES ($1, $2, $3, $4, $5, $6, now()) RETURNING {", ".join(FEED_COLUMNS)}
"""
DELETE: Final = "DELETE FROM calendar_feeds WHERE owner_id = $1 AND id = $2 RETURNING id"


def feed_url(secret: str, settings: Settings) -> str:
    """The address of the feed with a secret."""
    return f"{settings.base_url}/{FEED_PATH}/{secret}.ics"


@retried
async def create_feed(
    context: Context, label: str | None, list_ids: Sequence[str] | None, *, as_events: bool
) -> CalendarFeedPayload:
    """Make a feed of some lists that the viewer sees, or of everything of their own."""
    viewer, problems = context.signed_in(), list[UserError]()
    label = (read_label(label, problems, "label") if label else None) or None
    if list_ids is not None:
        problems += size_problems(list_ids, "listIds") or duplicates(list_ids, "listIds")
    secret = token_urlsafe(SECRET_BYTES)
    async with owner_transaction(viewer.id) as connection:
        if list_ids is not None and not problems:
            problems += await _unknown_lists(connection, viewer.id, list_ids)
        if await connection.fetchval(COUNT, viewer.id) >= MAX_FEEDS:
            message = f"There are {MAX_FEEDS} calendar feeds at most. Delete one first."
            problems.append(invalid(ErrorCode.TOO_MANY, message))
        if problems:
            return CalendarFeedPayload(errors=problems)
        stored_ids = None if list_ids is None else dumps([id.lower() for id in list_ids]).decode()
        row = await connection.fetchrow(
            INSERT, viewer.id, uuid7(), label, stored_ids, as_events, hash_of(secret)
        )
    assert row is not None
    context.clear_loaders()
    feed = CalendarFeed.from_row(row, feed_url(secret, context.settings))
    return CalendarFeedPayload(feed=feed)


async def _unknown_lists(
    connection: Connection, viewer_id: UUID, sent: Sequence[str]
) -> list[UserError]:
    """An error for each id of no list that the viewer sees outside the trash."""
    ids = [parse_id(id) for id in sent]
    rows = await connection.fetch(VISIBLE_LISTS, viewer_id, [id for id in ids if id])
    visible = {row["id"] for row in rows}
    return [not_found("listIds", str(index)) for index, id in enumerate(ids) if id not in visible]


async def delete_feed(owner_id: UUID, feed_id: UUID) -> bool:
    """End a feed at once; False if the owner has none with this id."""
    return await fetchrow(DELETE, owner_id, feed_id) is not None
