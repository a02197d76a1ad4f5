"""Sending once more: tests, single deliveries, and all that follows a cursor."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.changelog.cursors import LogPosition, cursor_of
from todo_gql.changelog.positions import position_of, read_log
from todo_gql.database.connection import Connection, Row
from todo_gql.database.models import DeliveryState, WebhookState
from todo_gql.database.owner_batches import owner_transaction
from todo_gql.database.retry import retried
from todo_gql.features.webhooks.access import DELIVERY_COLUMNS
from todo_gql.features.webhooks.bodies import body_of
from todo_gql.features.webhooks.delivery_log import give_up_passed
from todo_gql.features.webhooks.event_types import TEST
from todo_gql.features.webhooks.types import (
    Webhook,
    WebhookDelivery,
    WebhookDeliveryPayload,
    WebhookPayload,
)
from todo_gql.features.webhooks.writes import COLUMNS, READ
from todo_gql.operation.context import Context

MAX_IDS: Final = 100
MAX_WAITING_TESTS: Final = 10

DELIVERY: Final = ", ".join(DELIVERY_COLUMNS)
COUNT_TESTS: Final = f"""
SELECT count(*) FROM webhook_deliveries WHERE owner_id = $1 AND webhook_id = $2
    AND state = {DeliveryState.WAITING.value} AND event_type = '{TEST}'
"""
INSERT_TEST: Final = f"""
INSERT INTO webhook_deliveries AS d (id, owner_id, webhook_id, event_type, next_attempt_at, attempts, payload,
    created_at)
VALUES ($3, $1, $2, '{TEST}', now(), '[]', $4, now()) RETURNING {DELIVERY}
"""
KNOWN: Final = """
SELECT id FROM webhook_deliveries WHERE owner_id = $1 AND webhook_id = $2 AND id = ANY($3::uuid[])
"""
# What is still in the line is sent in its turn, and what is being sent stays as it is.
REDELIVER: Final = f"""
UPDATE webhook_deliveries d SET state = {DeliveryState.WAITING.value}, attempts = '[]',
    next_attempt_at = CASE WHEN w.state = {WebhookState.ACTIVE.value} OR d.seq IS NULL THEN now() END
FROM webhooks w WHERE d.owner_id = $1 AND d.webhook_id = $2 AND d.id = ANY($3::uuid[])
    AND w.owner_id = $1 AND w.id = $2 AND (d.seq IS NULL OR d.seq <= w.seq)
    AND (d.state <> {DeliveryState.WAITING.value} OR d.attempts <> '[]')
"""
GO_ON_AFTER: Final = f"""
UPDATE webhooks w SET seq = $3, head_failures = 0, next_attempt_at = now()
WHERE w.owner_id = $1 AND w.id = $2 RETURNING {COLUMNS}
"""
# What waits beside the line is in the line again.
REJOIN_LINE: Final = f"""
UPDATE webhook_deliveries SET next_attempt_at = NULL WHERE owner_id = $1 AND webhook_id = $2
    AND state = {DeliveryState.WAITING.value} AND seq > $3 AND next_attempt_at IS NOT NULL
"""


@retried
async def send_test(context: Context, id: str) -> WebhookDeliveryPayload:
    """Have a test sent to a webhook, whatever its state: once, without further attempts."""
    owner_id, webhook_id = context.signed_in().id, parse_id(id)
    async with owner_transaction(owner_id) as connection:
        webhook = await connection.fetchrow(READ, owner_id, webhook_id) if webhook_id else None
        if webhook is None:
            return WebhookDeliveryPayload(errors=[not_found("id")])
        if await connection.fetchval(COUNT_TESTS, owner_id, webhook_id) >= MAX_WAITING_TESTS:
            message = f"{MAX_WAITING_TESTS} tests wait already. Try again in a moment."
            return WebhookDeliveryPayload(errors=[invalid(ErrorCode.TOO_MANY, message, "id")])
        data = {"cursor": cursor_of(owner_id, webhook["seq"]), "webhookId": str(webhook["id"])}
        body = body_of(TEST, datetime.now(UTC), data)
        row = await connection.fetchrow(INSERT_TEST, owner_id, webhook_id, uuid7(), body)
    assert row is not None
    context.clear_loaders()
    return WebhookDeliveryPayload(delivery=WebhookDelivery.from_row(row))


async def redeliver(
    context: Context, id: str, delivery_ids: Sequence[str] | None, after: str | None
) -> WebhookPayload:
    """Have deliveries of a webhook, or all that follows a cursor, sent once more."""
    owner_id, position = context.signed_in().id, None
    ids, problems = list[UUID | None](), list[UserError]()
    if (delivery_ids is None) == (after is None):
        message = "Pass either deliveryIds or after."
        problems.append(invalid(ErrorCode.INVALID, message, "deliveryIds"))
    elif after is not None:
        position = await _position(owner_id, after)
        if position is None:
            problems.append(invalid(ErrorCode.INVALID, NO_CURSOR, "after"))
    else:
        ids, problems = _parsed(delivery_ids or ())
    return await _redeliver(context, parse_id(id), ids, position, problems)


@retried
async def _redeliver(
    context: Context,
    webhook_id: UUID | None,
    ids: Sequence[UUID | None],
    position: LogPosition | None,
    problems: list[UserError],
) -> WebhookPayload:
    owner_id = context.signed_in().id
    async with owner_transaction(owner_id) as connection:
        row = await connection.fetchrow(READ, owner_id, webhook_id) if webhook_id else None
        if row is None:
            return WebhookPayload(errors=[not_found("id")])
        problems = problems or await _unknown(connection, row, ids)
        if problems:
            return WebhookPayload(webhook=Webhook.from_row(row), errors=problems)
        if position:
            row = await _go_on_after(connection, row, position.seq)
        else:
            await connection.execute(REDELIVER, owner_id, webhook_id, ids)
    context.clear_loaders()
    return WebhookPayload(webhook=Webhook.from_row(row))


NO_CURSOR: Final = (
    "The feed can't continue from this cursor. Pass one of yours that is still stored."
)


async def _position(owner_id: UUID, after: str) -> LogPosition | None:
    """The position of a cursor from which the owner's feed continues."""
    position = position_of(owner_id, after)
    log = await read_log(owner_id, position)
    return position if position and log.continues_from(position) else None


def _parsed(sent: Sequence[str]) -> tuple[list[UUID | None], list[UserError]]:
    if not 1 <= len(sent) <= MAX_IDS:
        message = f"Pass 1 to {MAX_IDS} ids."
        return [], [invalid(ErrorCode.OUT_OF_RANGE, message, "deliveryIds")]
    return [parse_id(id) for id in sent], []


async def _unknown(
    connection: Connection, webhook: Row, ids: Sequence[UUID | None]
) -> list[UserError]:
    if not ids:
        return []
    rows = await connection.fetch(KNOWN, webhook["owner_id"], webhook["id"], ids)
    known = {row["id"] for row in rows}
    return [not_found("deliveryIds", str(n)) for n, id in enumerate(ids) if id not in known]


async def _go_on_after(connection: Connection, webhook: Row, seq: int) -> Row:
    owner_id, webhook_id = webhook["owner_id"], webhook["id"]
    row = await connection.fetchrow(GO_ON_AFTER, owner_id, webhook_id, seq)
    assert row is not None
    await connection.execute(REJOIN_LINE, owner_id, webhook_id, seq)
    await give_up_passed(connection, owner_id, webhook_id, seq)
    return row
