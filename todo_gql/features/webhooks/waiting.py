"""Deliveries beside the line: events that have stepped aside, tests, and what is to be sent once more."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from todo_gql.changelog.spans import stored_changes
from todo_gql.database.connection import Row, fetch, fetchrow, transaction
from todo_gql.database.models import DeliveryState
from todo_gql.features.webhooks.attempts import Attempt
from todo_gql.features.webhooks.claims import CLAIM, IS_ACTIVE, OWNER_IS_ACTIVE
from todo_gql.features.webhooks.disabling import disable, reason_after
from todo_gql.features.webhooks.event_types import RESYNC_REQUIRED, TEST
from todo_gql.features.webhooks.events import Event, delivery_id, event_of
from todo_gql.features.webhooks.line import BUSY_WAIT, NOT_SEEN
from todo_gql.features.webhooks.schedule import delay_after
from todo_gql.features.webhooks.sender import EndpointBusy, Sender
from todo_gql.observability.metrics import metrics

NOT_STORED: Final = "The change is deleted from the log, or was undone by a restored backup."

IS_DUE: Final = f"d.next_attempt_at <= now() AND ({IS_ACTIVE} OR d.event_type = '{TEST}')"
WEBHOOKS_DUE: Final = f"""
SELECT DISTINCT d.owner_id, d.webhook_id FROM webhook_deliveries d
    JOIN webhooks w ON w.owner_id = d.owner_id AND w.id = d.webhook_id
    JOIN users u ON u.id = w.owner_id AND {OWNER_IS_ACTIVE}
WHERE {IS_DUE} AND d.webhook_id <> ALL($2::uuid[]) LIMIT $1
"""
CLAIM_NEXT: Final = f"""
WITH due AS (
    SELECT d.owner_id, d.id FROM webhook_deliveries d
        JOIN webhooks w ON w.owner_id = d.owner_id AND w.id = d.webhook_id
    WHERE d.owner_id = $1 AND d.webhook_id = $2 AND {IS_DUE}
    ORDER BY d.next_attempt_at, d.created_at, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED
)
UPDATE webhook_deliveries d SET next_attempt_at = now() + $3::interval FROM due
WHERE d.owner_id = due.owner_id AND d.id = due.id RETURNING d.*
"""
SELECT_WEBHOOK: Final = "SELECT w.* FROM webhooks w WHERE w.owner_id = $1 AND w.id = $2"
NOTE_OUTCOME: Final = """
UPDATE webhooks SET failing_since = CASE WHEN $3 THEN coalesce(failing_since, now()) END
WHERE owner_id = $1 AND id = $2 RETURNING *
"""
STORE: Final = """
UPDATE webhook_deliveries SET state = $4, next_attempt_at = now() + $5::interval,
    attempts = attempts || $6::jsonb, payload = coalesce($7, payload)
WHERE owner_id = $1 AND id = $2 AND next_attempt_at = $3
"""


async def webhooks_due(number: int, busy: Iterable[UUID]) -> list[Row]:
    """At most so many webhooks with deliveries that are due, but those that are busy."""
    return await fetch(WEBHOOKS_DUE, number, list(busy)) if number > 0 else []


async def send_waiting(
    owner_id: UUID, webhook_id: UUID, sender: Sender, may_go_on: Callable[[], bool]
) -> None:
    """Send what of a webhook is due beside its line, one after the other, while `may_go_on`.

    Raises what `fetch` raises.
    """
    while may_go_on():
        delivery = await fetchrow(CLAIM_NEXT, owner_id, webhook_id, CLAIM)
        webhook = await fetchrow(SELECT_WEBHOOK, owner_id, webhook_id)
        if delivery is None or webhook is None:
            return
        try:
            await _send(webhook, delivery, sender)
        except EndpointBusy:
            await _store(delivery, DeliveryState.WAITING, BUSY_WAIT, None, None)
            return


async def _send(webhook: Row, delivery: Row, sender: Sender) -> None:
    event = await _event(delivery)
    if isinstance(event, str):
        note = Attempt(datetime.now(UTC), None, event, 0)
        await _store(delivery, DeliveryState.FAILED, None, note, None)
        return
    attempt = await sender.send(webhook, event)
    is_test = delivery["event_type"] == TEST
    if attempt.succeeded:
        state, wait = DeliveryState.DELIVERED, None
    else:
        failures = len(orjson.loads(delivery["attempts"])) + 1
        wait = None if is_test else delay_after(failures, attempt.wait)
        state = DeliveryState.FAILED if wait is None else DeliveryState.WAITING
    if state is DeliveryState.FAILED:
        metrics().webhook_attempts.labels("given_up").inc()
    noted = await _store(delivery, state, wait, attempt, event.body, notes_outcome=not is_test)
    if noted and (reason := reason_after(noted, attempt)):
        await disable(webhook["owner_id"], webhook["id"], reason)


async def _event(delivery: Row) -> Event | str:
    """The event of a delivery as its owner may see it now, or why it isn't sent any more."""
    owner_id, webhook_id, seq = delivery["owner_id"], delivery["webhook_id"], delivery["seq"]
    if delivery["event_type"] in (TEST, RESYNC_REQUIRED):
        return Event(delivery["id"], delivery["event_type"], seq or 0, delivery["payload"])
    stored = await stored_changes(owner_id, seq, seq)
    row = stored.rows[0] if stored and stored.rows else None
    if row is None or delivery_id(webhook_id, row) != delivery["id"]:
        return NOT_STORED
    return await event_of(owner_id, webhook_id, row) or NOT_SEEN


async def _store(
    delivery: Row,
    state: DeliveryState,
    wait: timedelta | None,
    attempt: Attempt | None,
    body: str | None,
    *,
    notes_outcome: bool = False,
) -> Row | None:
    """Store what became of a delivery; the webhook, if its outcome is noted there."""
    owner_id, claim = delivery["owner_id"], delivery["next_attempt_at"]
    attempts = orjson.dumps([attempt.as_json()] if attempt else []).decode()
    webhook = None
    async with transaction() as connection:
        if notes_outcome and attempt:
            has_failed = not attempt.succeeded
            webhook = await connection.fetchrow(
                NOTE_OUTCOME, owner_id, delivery["webhook_id"], has_failed
            )
        await connection.execute(
            STORE, owner_id, delivery["id"], claim, state, wait, attempts, body
        )
    return webhook
