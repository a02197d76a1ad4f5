"""Webhooks as their owners see them, and what waits for their endpoints."""

from typing import Any
from uuid import UUID

from tests.support.accounts import Account
from tests.support.waiting import until
from tests.support.webhook_endpoints import Endpoint
from todo_gql.database.connection import fetch, fetchrow

SHOWN = """
query ($id: ID!) { node(id: $id) { ... on Webhook {
  url label types state disabledBecause failingSince behind list { id }
  deliveries { nodes { id type cursor state nextAttemptAt attempts { at status error milliseconds } payload } }
} } }
"""
UPDATE = """
mutation ($id: ID!, $input: WebhookUpdateInput!) { payload: webhookUpdate(id: $id, input: $input) {
  webhook { id url label types state disabledBecause failingSince behind } errors { code path message } } }
"""
REDELIVER = """
mutation ($id: ID!, $ids: [ID!], $after: String) {
  payload: webhookRedeliver(id: $id, deliveryIds: $ids, after: $after) {
    webhook { id behind } errors { code path message } } }
"""
TEST = """
mutation ($id: ID!) { payload: webhookTest(id: $id) {
  delivery { id type state cursor payload attempts { status } } errors { code path message } } }
"""
ROTATE = """
mutation ($id: ID!) { payload: webhookRotateSecret(id: $id) {
  webhook { id } secret errors { code path message } } }
"""
DELETE = "mutation ($id: ID!) { payload: webhookDelete(id: $id) { ok errors { code path } } }"
IS_IDLE = """
SELECT w.next_attempt_at IS NULL AND w.seq = f.seq AS is_idle FROM webhooks w
    JOIN feeds f ON f.owner_id = w.owner_id WHERE w.id = $1
"""
HURRY = "UPDATE webhooks SET next_attempt_at = now() WHERE id = $1 AND next_attempt_at IS NOT NULL"
HURRY_WAITING = """
UPDATE webhook_deliveries SET next_attempt_at = now() WHERE webhook_id = $1 AND next_attempt_at IS NOT NULL
"""


async def shown(account: Account, endpoint: Endpoint) -> dict[str, Any]:
    """A webhook with its deliveries, newest first."""
    return dict((await account.data(SHOWN, id=endpoint.id))["node"])


async def deliveries(account: Account, endpoint: Endpoint) -> list[dict[str, Any]]:
    """The deliveries of a webhook, newest first."""
    nodes: list[dict[str, Any]] = (await shown(account, endpoint))["deliveries"]["nodes"]
    return nodes


async def changed(account: Account, document: str, **variables: Any) -> dict[str, Any]:
    """The payload of a mutation that must have worked."""
    payload = dict((await account.data(document, **variables))["payload"])
    assert payload["errors"] == []
    return payload


async def is_idle(endpoint: Endpoint) -> bool:
    """Whether everything is read, and nobody reads."""
    row = await fetchrow(IS_IDLE, UUID(endpoint.id))
    return bool(row and row["is_idle"])


async def until_idle(*endpoints: Endpoint) -> None:
    """Wait until everything is read for some endpoints."""
    for endpoint in endpoints:
        await until(lambda endpoint=endpoint: is_idle(endpoint))  # type: ignore[misc]


async def until_attempted(account: Account, endpoint: Endpoint, number: int) -> None:
    """Wait until the newest delivery has so many attempts."""

    async def has_attempts() -> bool:
        nodes = await deliveries(account, endpoint)
        return bool(nodes) and len(nodes[0]["attempts"]) >= number

    await until(has_attempts)


async def hurry(endpoint: Endpoint) -> None:
    """Have what waits be due now."""
    await fetch(HURRY, UUID(endpoint.id))
    await fetch(HURRY_WAITING, UUID(endpoint.id))
