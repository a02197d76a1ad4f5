"""Entries in inboxes, made without what causes them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson

from tests.support.accounts import Account
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.database.connection import Row, fetch, transaction
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.inbox.entries import Entry, enter
from todo_gql.inbox.watchers import WatchedInboxes

STORED = "SELECT * FROM notifications WHERE owner_id = $1 ORDER BY seq"
INBOX = "SELECT * FROM inboxes WHERE owner_id = $1"
PREFER = """
INSERT INTO notification_preferences (owner_id, kinds, quiet_hours, digest_days)
VALUES ($1, coalesce($2::jsonb, '{}'), coalesce($3::jsonb, '[]'), '[]')
"""


def entry(
    owner: Account,
    kind: NotificationKind = NotificationKind.COMPLETED,
    *,
    source: str | None = None,
    actor: Account | None = None,
    subject: str | None = None,
    **values: Any,
) -> Entry:
    """An entry for an account, of a todo if one is named, from a source of its own unless that is."""
    return Entry(
        UUID(owner.id),
        kind,
        source or f"test {uuid4()}",
        UUID(actor.id) if actor else None,
        ChangeKind.TODO if subject else None,
        UUID(subject) if subject else None,
        **values,
    )


async def entered(*entries: Entry) -> int:
    """Enter what somebody is notified of; the number of new entries."""
    async with transaction() as connection:
        return await enter(connection, entries)


async def prefer(account: Account, kinds: object = None, quiet_hours: object = None) -> None:
    """Store an account's preferences, which has none yet."""
    values = (orjson.dumps(each).decode() if each else None for each in (kinds, quiet_hours))
    await fetch(PREFER, UUID(account.id), *values)


async def watched(owner: Account, number: int = 1) -> None:
    """Wait until so many subscriptions of this process follow an inbox."""
    inboxes = feed_registry.follower(WatchedInboxes)
    await until(lambda: inboxes.subscribers(UUID(owner.id)) == number)


async def stored(owner: Account) -> Sequence[Row]:
    """What is in an inbox, in the order of the numbers."""
    return await fetch(STORED, UUID(owner.id))


async def unread_count(owner: Account) -> int:
    """What an inbox has counted as unread; 0 before it exists."""
    rows = await fetch(INBOX, UUID(owner.id))
    return rows[0]["unread_count"] if rows else 0
