"""Enqueues mails of notifications, in the transaction that finds what is due."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import orjson
from tortoise.transactions import in_transaction
from uuid_utils.compat import uuid7

from todo_gql.database.connection import acquire, fetch
from todo_gql.database.models import NotificationMailKind
from todo_gql.database.retry import retried
from todo_gql.inbox.access import IS_UNREAD, is_snoozed
from todo_gql.inbox.bundles import claim_due
from todo_gql.inbox.preference_writes import schedule_digests
from todo_gql.inbox.preferences import PREFERENCE_COLUMNS
from todo_gql.jobs.queue import NewJob, enqueue_all

SEND_NOTIFICATION_MAIL: Final = "send_notification_mail"
"""The kind of job that sends a mail of notifications; stored in the queue."""

POLL_SECONDS: Final = 2.0
DIGESTS_AT_ONCE: Final = 200
INSERT: Final = """
INSERT INTO notification_mails (id, owner_id, kind, notification_ids, created_at)
SELECT e.id, e.owner_id, e.kind, e.ids::jsonb, now()
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[]) AS e (id, owner_id, kind, ids)
"""
LOCK_DIGESTS: Final = f"""
SELECT p.owner_id, {PREFERENCE_COLUMNS}, clock_timestamp() AS now,
    EXISTS (SELECT FROM notifications n WHERE n.owner_id = p.owner_id AND {IS_UNREAD}
        AND NOT ({is_snoozed("now()")})) AS has_unread
FROM notification_preferences p JOIN users u ON u.id = p.owner_id
WHERE p.next_digest_at <= now() ORDER BY p.next_digest_at LIMIT {DIGESTS_AT_ONCE}
FOR NO KEY UPDATE OF p SKIP LOCKED
"""
Mails = Sequence[tuple[UUID, NotificationMailKind, Sequence[UUID]]]


async def enqueue_due() -> None:
    """Enqueue the mails of all that is due, and digests; raises what `fetch` raises."""
    while await _enqueue_bundles():
        pass
    while await _enqueue_digests():
        pass


@retried
async def _enqueue_bundles() -> int:
    async with in_transaction():
        async with acquire() as connection:
            bundles = await claim_due(connection)
        await _enqueue(
            [(owner_id, NotificationMailKind.BUNDLE, entries) for owner_id, entries in bundles]
        )
    return len(bundles)


@retried
async def _enqueue_digests() -> int:
    """Enqueue the digests that are due; after a pause of days that is one for each person."""
    async with in_transaction():
        async with acquire() as connection:
            rows = await connection.fetch(LOCK_DIGESTS)
            await schedule_digests(connection, rows)
        await _enqueue(
            [
                (row["owner_id"], NotificationMailKind.DIGEST, ())
                for row in rows
                if row["has_unread"]
            ]
        )
    return len(rows)


async def _enqueue(mails: Mails) -> None:
    """Store mails and enqueue their jobs, in Tortoise's transaction that is open."""
    if not mails:
        return
    ids = [uuid7() for _ in mails]
    owner_ids = [owner_id for owner_id, *_ in mails]
    texts = [orjson.dumps(list(entries), default=str).decode() for *_, entries in mails]
    await fetch(INSERT, ids, owner_ids, [kind for _, kind, _ in mails], texts)
    await enqueue_all(
        SEND_NOTIFICATION_MAIL,
        [
            NewJob(f"notification mail {id}", {"owner_id": owner_id, "mail_id": id})
            for id, owner_id in zip(ids, owner_ids, strict=True)
        ],
    )
