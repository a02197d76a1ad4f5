"""Making, changing and deleting webhooks, under the lock of their owner."""

from typing import Any, Final

import asyncpg
import orjson
from strawberry import UNSET
from uuid_utils.compat import uuid7

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid, not_found, unusable_id
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Connection, Row, fetchrow
from todo_gql.database.models import DeliveryState, WebhookState
from todo_gql.database.owner_batches import owner_transaction
from todo_gql.database.retry import retried
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.webhooks.access import WEBHOOK_COLUMNS, check_scope
from todo_gql.features.webhooks.disabling import hold_deliveries
from todo_gql.features.webhooks.inputs import (
    WebhookCreateInput,
    WebhookUpdateInput,
    read_label,
    read_paused,
    read_types,
    read_url,
)
from todo_gql.features.webhooks.signing import MAX_OLD_SECRETS, ROTATION, webhook_secret
from todo_gql.features.webhooks.types import Webhook, WebhookPayload
from todo_gql.operation.context import Context
from todo_gql.security.access import is_member

MAX_WEBHOOKS: Final = 10

COLUMNS: Final = ", ".join(WEBHOOK_COLUMNS)
READ: Final = f"SELECT {COLUMNS} FROM webhooks w WHERE w.owner_id = $1 AND w.id = $2"
COUNT: Final = "SELECT count(*) FROM webhooks WHERE owner_id = $1"
SEES_LIST: Final = f"SELECT {is_member('$2')}"
INSERT: Final = f"""
INSERT INTO webhooks AS w (owner_id, id, url, label, event_types, list_id, old_secrets_until, seq, created_at)
SELECT $1, $2, $3, $4, $5, $6, '[]', f.seq, now() FROM feeds f WHERE f.owner_id = $1 RETURNING {COLUMNS}
"""
# A new URL, and new types, begin with the event at the head of the line at once.
UPDATE: Final = f"""
UPDATE webhooks w SET url = $3, event_types = $4, label = $5, state = $6,
    disabled_because = CASE WHEN $6 = w.state THEN w.disabled_because END,
    failing_since = CASE WHEN $7 THEN NULL ELSE w.failing_since END,
    next_attempt_at = CASE WHEN $7 THEN now() ELSE w.next_attempt_at END
WHERE w.owner_id = $1 AND w.id = $2 RETURNING {COLUMNS}
"""
GO_ON: Final = f"""
UPDATE webhook_deliveries d SET next_attempt_at = now() FROM webhooks w
WHERE d.owner_id = $1 AND d.webhook_id = $2 AND w.owner_id = $1 AND w.id = $2
    AND d.state = {DeliveryState.WAITING.value} AND d.next_attempt_at IS NULL AND d.seq <= w.seq
"""
# An answer can get lost, and then it is rotated once more: what receivers have goes on signing.
ROTATE: Final = f"""
UPDATE webhooks w SET secret_generation = secret_generation + 1,
    old_secrets_until = jsonb_build_array(now() + $3::interval) || (old_secrets_until - {MAX_OLD_SECRETS - 1})
WHERE w.owner_id = $1 AND w.id = $2 RETURNING {COLUMNS}
"""
DELETE: Final = "DELETE FROM webhooks WHERE owner_id = $1 AND id = $2 RETURNING id"


@retried
async def create_webhook(context: Context, sent: WebhookCreateInput) -> WebhookPayload:
    """Make a webhook that is sent what happens from now on; an error with the stored one if the id is in use.

    Raises `Forbidden` for an API token that may not read todos.
    """
    viewer, problems = context.signed_in(), list[UserError]()
    check_scope(viewer)
    owner_id = viewer.id
    url = read_url(sent.url, context.settings, problems)
    types, label = read_types(sent.types, problems), read_label(unset_to_none(sent.label), problems)
    sent_id, sent_list = unset_to_none(sent.id), unset_to_none(sent.list_id)
    webhook_id = uuid7() if sent_id is None else parse_id(sent_id)
    if webhook_id is None:
        problems.append(unusable_id("input"))
    list_id = parse_id(sent_list) if sent_list else None
    try:
        async with owner_transaction(owner_id) as connection:
            if sent_id and (stored := await connection.fetchrow(READ, owner_id, webhook_id)):
                return _exists(stored)
            if sent_list and not await connection.fetchval(SEES_LIST, owner_id, list_id):
                problems.append(not_found("input", "listId"))
            if await connection.fetchval(COUNT, owner_id) >= MAX_WEBHOOKS:
                message = f"There are {MAX_WEBHOOKS} webhooks at most. Delete one first."
                problems.append(invalid(ErrorCode.TOO_MANY, message, "input"))
            if problems:
                return WebhookPayload(errors=problems)
            values = webhook_id, url, label, _json(types), list_id
            row = await connection.fetchrow(INSERT, owner_id, *values)
    except asyncpg.UniqueViolationError:
        return WebhookPayload(errors=[unusable_id("input")])
    assert row is not None
    return _with_secret(context, row)


@retried
async def update_webhook(context: Context, id: str, sent: WebhookUpdateInput) -> WebhookPayload:
    """Change a webhook; one that changes nothing is no error.

    Raises `Forbidden` for an API token that may not read todos.
    """
    viewer, webhook_id, problems = context.signed_in(), parse_id(id), list[UserError]()
    check_scope(viewer)
    owner_id = viewer.id
    async with owner_transaction(owner_id) as connection:
        stored = await connection.fetchrow(READ, owner_id, webhook_id) if webhook_id else None
        if stored is None:
            return WebhookPayload(errors=[not_found("id")])
        values = _values(context, stored, sent, problems)
        if problems:
            return WebhookPayload(errors=problems)
        row = await _update(connection, stored, values)
    context.clear_loaders()
    return WebhookPayload(webhook=Webhook.from_row(row))


def _values(
    context: Context, stored: Row, sent: WebhookUpdateInput, problems: list[UserError]
) -> dict[str, Any]:
    """The new values by column; adds what is wrong with them."""
    values = {name: stored[name] for name in ("url", "event_types", "label", "state")}
    if sent.url is not UNSET:
        values["url"] = read_url(sent.url, context.settings, problems)
    if sent.types is not UNSET:
        values["event_types"] = _json(read_types(sent.types, problems))
    if sent.label is not UNSET:
        values["label"] = read_label(sent.label, problems)
    is_paused = read_paused(sent.is_paused, problems)
    if is_paused is not None:
        state = WebhookState.PAUSED if is_paused else WebhookState.ACTIVE
        # Pausing what is disabled would hide why it is.
        is_disabled = stored["state"] == WebhookState.DISABLED
        values["state"] = stored["state"] if is_paused and is_disabled else state
    return values


async def _update(connection: Connection, stored: Row, values: dict[str, Any]) -> Row:
    owner_id, webhook_id = stored["owner_id"], stored["id"]
    resumes = values["state"] == WebhookState.ACTIVE != stored["state"]
    moves = values["url"] != stored["url"]
    if values["state"] != WebhookState.ACTIVE == stored["state"]:
        await hold_deliveries(connection, owner_id, webhook_id)
    is_new = resumes or moves
    row = await connection.fetchrow(UPDATE, owner_id, webhook_id, *values.values(), is_new)
    assert row is not None
    if resumes:
        await connection.execute(GO_ON, owner_id, webhook_id)
    return row


@retried
async def rotate_secret(context: Context, id: str) -> WebhookPayload:
    """Replace a webhook's secret; the one before signs for another day, and each older one until its day is over."""
    webhook_id = parse_id(id)
    row = webhook_id and await fetchrow(ROTATE, context.signed_in().id, webhook_id, ROTATION)
    if not row:
        return WebhookPayload(errors=[not_found("id")])
    return _with_secret(context, row)


async def delete_webhook(context: Context, id: str) -> list[UserError]:
    """Delete a webhook and its deliveries; returns why it isn't deleted."""
    webhook_id = parse_id(id)
    if webhook_id is None or await fetchrow(DELETE, context.signed_in().id, webhook_id) is None:
        return [not_found("id")]
    context.clear_loaders()
    return []


def _with_secret(context: Context, row: Row) -> WebhookPayload:
    context.clear_loaders()
    secret = webhook_secret(context.settings, row["id"], row["secret_generation"])
    return WebhookPayload(webhook=Webhook.from_row(row), secret=secret)


def _exists(stored: Row) -> WebhookPayload:
    webhook = Webhook.from_row(stored)
    message = "A webhook with this id was made already."
    error = ConflictError(
        code=ErrorCode.ALREADY_EXISTS, message=message, path=["input", "id"], current=webhook
    )
    return WebhookPayload(webhook=webhook, errors=[error])


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
