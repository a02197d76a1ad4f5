"""Claims of webhooks: which worker reads whose feed, for so long as it renews its claim.

A claim is the moment in `next_attempt_at` until which nobody else reads: so a worker that is killed holds
nothing up for longer, and what one stores whose claim has passed to another is discarded.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.database.connection import Connection, Row, fetch
from todo_gql.database.models import WebhookState

CLAIM: Final = timedelta(seconds=20)
"""Longer than an attempt takes; each one renews it."""

IS_ACTIVE: Final = f"w.state = {WebhookState.ACTIVE.value}"
OWNER_IS_ACTIVE: Final = "u.is_active AND (u.deletion_at IS NULL OR u.deletion_at > now())"
MARK_DUE: Final = f"""
UPDATE webhooks w SET next_attempt_at = now() FROM feeds f
WHERE f.owner_id = w.owner_id AND f.seq > w.seq AND {IS_ACTIVE} AND w.next_attempt_at IS NULL
    AND ($1::uuid[] IS NULL OR w.owner_id = ANY($1))
"""
# Those that fail or are slow have claims of their own, so that they can't take those of all others.
CLAIM_DUE: Final = f"""
WITH due AS (
    SELECT w.owner_id, w.id FROM webhooks w JOIN users u ON u.id = w.owner_id
    WHERE w.next_attempt_at <= now() AND {IS_ACTIVE} AND {OWNER_IS_ACTIVE}
        AND (w.failing_since IS NOT NULL OR w.id = ANY($2::uuid[])) = $3
    ORDER BY w.next_attempt_at LIMIT $1 FOR UPDATE OF w SKIP LOCKED
)
UPDATE webhooks w SET next_attempt_at = now() + $4::interval FROM due
WHERE w.owner_id = due.owner_id AND w.id = due.id RETURNING w.*
"""
RENEW: Final = """
UPDATE webhooks w SET seq = $4, head_failures = $5, next_attempt_at = now() + $6::interval,
    failing_since = CASE WHEN $7 THEN coalesce(w.failing_since, now()) WHEN $7 = false THEN NULL
        ELSE w.failing_since END
WHERE w.owner_id = $1 AND w.id = $2 AND w.next_attempt_at = $3 RETURNING w.*
"""
# Whatever was written while it read is read at once.
RELEASE: Final = """
UPDATE webhooks w SET seq = $4, next_attempt_at = CASE WHEN f.seq > $4 THEN now() + $5::interval END
FROM feeds f WHERE f.owner_id = w.owner_id AND w.owner_id = $1 AND w.id = $2 AND w.next_attempt_at = $3
"""


class ClaimLost(Exception):
    """Another worker reads on, or the webhook is deleted: nothing more is to be stored."""


class Renewal(NamedTuple):
    """What an attempt changes: the position, how often the event after it has failed, and when it is due.

    `has_failed` is None for what says nothing about the endpoint.
    """

    seq: int
    head_failures: int = 0
    wait: timedelta = CLAIM
    has_failed: bool | None = None


async def mark_due(owner_ids: Iterable[UUID] | None) -> None:
    """Have the feeds of some owners read by whoever claims them first, or of all with None."""
    await fetch(MARK_DUE, None if owner_ids is None else list(owner_ids))


async def claim_due(number: int, slow: Iterable[UUID], *, are_slow: bool) -> list[Row]:
    """Claim at most so many webhooks that are due: those that fail or are among the slow, or all others."""
    return await fetch(CLAIM_DUE, number, list(slow), are_slow, CLAIM) if number > 0 else []


async def renew(connection: Connection, webhook: Row, renewal: Renewal) -> Row:
    """Store what an attempt changes; the webhook as it is then. Raises `ClaimLost`."""
    row = await connection.fetchrow(RENEW, *_key(webhook), *renewal)
    if row is None:
        raise ClaimLost
    return row


async def release(webhook: Row, seq: int, wait: timedelta = timedelta(0)) -> None:
    """End a claim, with the last number that was read; if there is more, it is read after a while."""
    await fetch(RELEASE, *_key(webhook), seq, wait)


def _key(webhook: Row) -> tuple[UUID, UUID, datetime]:
    return webhook["owner_id"], webhook["id"], webhook["next_attempt_at"]
