"""Enqueuing the pushes that are due, one job for each notification and browser."""

from typing import Final

from tortoise.transactions import in_transaction

from todo_gql.database.connection import Row, fetch
from todo_gql.jobs.queue import NewJob, enqueue_all
from todo_gql.push.sender import LIFETIME
from todo_gql.security.authentication import SESSION_IS_OPEN

SEND_PUSH: Final = "send_push"
"""The kind of job that sends a push; stored in the queue."""

PRIORITY: Final = -1
"""Pushes wait for all other jobs, since there may be many of one person."""

BATCH_SIZE: Final = 500
# Workers share what is due: each skips what another one has locked. Whoever is late by more than a day
# is told by the inbox alone.
CLAIM: Final = f"""
WITH due AS (
    SELECT n.owner_id, n.id, n.push_at FROM notifications n WHERE n.push_at <= now()
    ORDER BY n.push_at LIMIT $1 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE notifications n SET push_at = NULL FROM due
    WHERE n.owner_id = due.owner_id AND n.id = due.id
    RETURNING n.owner_id, n.id, due.push_at
)
SELECT c.owner_id, c.id, c.push_at, p.id AS subscription_id FROM claimed c
LEFT JOIN push_subscriptions p ON p.owner_id = c.owner_id AND c.push_at > now() - $2::interval
    AND EXISTS (SELECT FROM sessions s JOIN users u ON u.id = s.owner_id WHERE s.owner_id = p.owner_id
        AND s.id = p.session_id AND {SESSION_IS_OPEN} AND u.is_active)
ORDER BY c.push_at
"""


async def enqueue_due(*, is_on: bool) -> int:
    """Enqueue the pushes that are due, in the transactions that claim them; the number of notifications.

    Where the server sends no pushes, they are claimed all the same, so that none is sent late. Raises what
    `fetch` raises.
    """
    total = 0
    while claimed := await _enqueue_batch(is_on=is_on):
        total += claimed
        if claimed < BATCH_SIZE:
            break
    return total


async def _enqueue_batch(*, is_on: bool) -> int:
    async with in_transaction():
        rows = await fetch(CLAIM, BATCH_SIZE, LIFETIME)
        jobs = [_job(row) for row in rows if row["subscription_id"]]
        if is_on and jobs:
            await enqueue_all(SEND_PUSH, jobs, priority=PRIORITY)
    return len({row["id"] for row in rows})


def _job(row: Row) -> NewJob:
    due_at = row["push_at"]
    ids = {name: row[name] for name in ("owner_id", "subscription_id")}
    return NewJob(
        key=f"push {row['id']} {row['subscription_id']}",
        payload=ids | {"notification_id": row["id"], "due_at": due_at.isoformat()},
        good_until=due_at + LIFETIME,
    )
