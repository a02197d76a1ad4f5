"""The log of deliveries: what was sent, and what is to be sent again."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from todo_gql.database.connection import Connection, Row
from todo_gql.database.models import DeliveryState
from todo_gql.features.webhooks.attempts import Attempt
from todo_gql.features.webhooks.events import Event

# Under the lock of the webhook, so that nobody else inserts the same.
INSERT: Final = """
INSERT INTO webhook_deliveries (id, owner_id, webhook_id, seq, event_type, state, next_attempt_at,
    attempts, payload, created_at)
SELECT $2, $1, $3, $4, $5, $6, now() + $7::interval, $8, $9, now()
WHERE NOT EXISTS (SELECT FROM webhook_deliveries WHERE owner_id = $1 AND id = $2) RETURNING 1
"""
UPDATE: Final = """
UPDATE webhook_deliveries SET state = $3, next_attempt_at = now() + $4::interval,
    attempts = CASE WHEN $6 THEN '[]'::jsonb ELSE attempts END || $5, payload = $7
WHERE owner_id = $1 AND id = $2
"""
GIVE_UP: Final = f"""
UPDATE webhook_deliveries SET state = {DeliveryState.FAILED.value}, next_attempt_at = NULL,
    attempts = attempts || $3::jsonb
WHERE owner_id = $1 AND id = $2 AND state = {DeliveryState.WAITING.value}
"""

GIVE_UP_PASSED: Final = f"""
UPDATE webhook_deliveries SET state = {DeliveryState.FAILED.value}
WHERE owner_id = $1 AND webhook_id = $2 AND state = {DeliveryState.WAITING.value}
    AND next_attempt_at IS NULL AND seq <= $3
"""


async def store_attempt(
    connection: Connection,
    webhook: Row,
    event: Event,
    attempt: Attempt,
    *,
    state: DeliveryState,
    wait: timedelta | None = None,
    is_first: bool,
) -> None:
    """Store an attempt and what became of the event; `wait` if it is sent again beside the line.

    The first one of an event that was sent before begins its attempts anew.
    """
    owner_id, attempts = webhook["owner_id"], _json([attempt.as_json()])
    values = owner_id, event.id, webhook["id"], event.seq, event.type, state, wait, attempts
    if await connection.fetchval(INSERT, *values, event.body):
        return
    await connection.execute(
        UPDATE, owner_id, event.id, state, wait, attempts, is_first, event.body
    )


async def give_up(connection: Connection, owner_id: UUID, delivery_id: UUID, note: Attempt) -> None:
    """Give up a delivery that waits, with a note of the reason."""
    await connection.execute(GIVE_UP, owner_id, delivery_id, _json([note.as_json()]))


async def give_up_passed(
    connection: Connection, owner_id: UUID, webhook_id: UUID, seq: int
) -> None:
    """Give up the event at the head of the line if the webhook goes on after a number behind it."""
    await connection.execute(GIVE_UP_PASSED, owner_id, webhook_id, seq)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
