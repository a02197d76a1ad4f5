"""Disabling webhooks, of which their owners are notified."""

import logging
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from todo_gql.database.connection import Connection, Row, fetch
from todo_gql.database.models import DeliveryState, NotificationKind, WebhookState
from todo_gql.database.owner_batches import owner_transaction
from todo_gql.database.retry import retried
from todo_gql.features.webhooks.attempts import Attempt
from todo_gql.features.webhooks.schedule import MAX_FAILING
from todo_gql.inbox.entries import Entry, enter
from todo_gql.inbox.job_events import JobEvent
from todo_gql.inbox.wake_ups import announce
from todo_gql.observability.metrics import metrics

logger = logging.getLogger(__name__)

GONE: Final = "The endpoint answered 410: it wants no more events."
FAILING: Final = f"Every delivery failed for {MAX_FAILING.days} days."
LIST_LOST: Final = "Its list is gone, or you aren't in it any more."

DISABLE: Final = f"""
UPDATE webhooks SET state = {WebhookState.DISABLED.value}, disabled_because = $3, next_attempt_at = NULL
WHERE owner_id = $1 AND id = $2 AND state = {WebhookState.ACTIVE.value} RETURNING id
"""
# What waits goes on once the webhook does; the index of what is due holds nothing else.
HOLD: Final = f"""
UPDATE webhook_deliveries SET next_attempt_at = NULL
WHERE owner_id = $1 AND webhook_id = $2 AND state = {DeliveryState.WAITING.value}
    AND next_attempt_at IS NOT NULL AND seq IS NOT NULL
"""
IS_IN_LIST: Final = (
    "EXISTS (SELECT FROM list_members m WHERE m.list_id = w.list_id AND m.user_id = w.owner_id)"
)
LOST_LISTS: Final = f"""
SELECT w.owner_id, w.id FROM webhooks w
WHERE w.list_id IS NOT NULL AND w.state <> {WebhookState.DISABLED.value} AND NOT {IS_IN_LIST}
"""
HAS_LOST_LIST: Final = f"{LOST_LISTS} AND w.owner_id = $1 AND w.id = $2"


def reason_after(webhook: Row, attempt: Attempt) -> str | None:
    """Why a webhook is to be disabled after an attempt; None if it isn't."""
    if attempt.is_gone:
        return GONE
    since = webhook["failing_since"]
    if attempt.succeeded or since is None or datetime.now(UTC) - since < MAX_FAILING:
        return None
    return FAILING


async def hold_deliveries(connection: Connection, owner_id: UUID, webhook_id: UUID) -> None:
    """Have what waits beside the line wait until the webhook goes on; tests don't."""
    await connection.execute(HOLD, owner_id, webhook_id)


@retried
async def disable(owner_id: UUID, webhook_id: UUID, reason: str) -> bool:
    """Disable a webhook, and notify its owner; False if it isn't active any more. Raises what `fetch` raises."""
    async with owner_transaction(owner_id) as connection:
        if await connection.fetchval(DISABLE, owner_id, webhook_id, reason) is None:
            return False
        await hold_deliveries(connection, owner_id, webhook_id)
        source = f"{JobEvent.WEBHOOK_DISABLED.name.lower()} {uuid4()}"
        entry = Entry(owner_id, NotificationKind.JOB, source, owner_id, None, None)
        await enter(connection, [entry])
    announce([owner_id])
    metrics().webhooks_disabled.inc()
    logger.info(
        "a webhook is disabled: %s",
        reason,
        extra={"owner_id": str(owner_id), "webhook_id": str(webhook_id)},
    )
    return True


async def has_lost_list(webhook: Row) -> bool:
    """Whether a webhook is for one list that its owner isn't in any more; raises what `fetch` raises."""
    if webhook["list_id"] is None:
        return False
    return bool(await fetch(HAS_LOST_LIST, webhook["owner_id"], webhook["id"]))


async def disable_without_list() -> int:
    """Disable the webhooks for lists that their owners aren't in any more; their number."""
    rows = await fetch(LOST_LISTS)
    return sum([await disable(row["owner_id"], row["id"], LIST_LOST) for row in rows])
