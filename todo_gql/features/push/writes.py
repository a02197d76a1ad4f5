"""Subscribing browsers and ending their subscriptions, under the lock of their owner."""

from hashlib import sha256
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.text import cleaned
from todo_gql.database.connection import fetchrow
from todo_gql.database.owner_batches import owner_transaction
from todo_gql.database.retry import retried
from todo_gql.features.push.access import IN_OPEN_SESSION
from todo_gql.features.push.inputs import PushSubscribeInput, read_subscription
from todo_gql.operation.context import Context
from todo_gql.push.keys import push_key

MAX_SUBSCRIPTIONS: Final = 20
MAX_USER_AGENT_LENGTH: Final = 500
# In the order of ids, so that two people who use one browser in turn never deadlock.
LOCK_OF_BROWSER: Final = (
    "SELECT FROM push_subscriptions WHERE endpoint_hash = $1 ORDER BY id FOR UPDATE"
)
# A browser shows the notifications of the account that subscribed it last, and nobody else's.
DELETE_OF_OTHERS: Final = """
DELETE FROM push_subscriptions p WHERE p.endpoint_hash = $2 AND p.owner_id <> $1
"""
DELETE_WITHOUT_SESSION: Final = f"""
DELETE FROM push_subscriptions p WHERE p.owner_id = $1 AND NOT {IN_OPEN_SESSION}
"""
SUBSCRIBE: Final = f"""
INSERT INTO push_subscriptions (id, owner_id, session_id, endpoint, endpoint_hash, p256dh, auth,
    user_agent, created_at)
SELECT $2, $1, $3, $4, $5, $6, $7, $8, now() WHERE (
    SELECT count(*) FROM push_subscriptions WHERE owner_id = $1 AND endpoint_hash <> $5
) < {MAX_SUBSCRIPTIONS}
ON CONFLICT (owner_id, endpoint_hash) DO UPDATE SET session_id = excluded.session_id,
    p256dh = excluded.p256dh, auth = excluded.auth, user_agent = excluded.user_agent,
    last_error = NULL
RETURNING id
"""
UNSUBSCRIBE: Final = """
DELETE FROM push_subscriptions WHERE owner_id = $1 AND id = $2 RETURNING id
"""


@retried
async def subscribe(context: Context, input: PushSubscribeInput) -> list[UserError]:
    """Have the viewer's notifications pushed to a browser; the problems with that.

    One that is subscribed already gets the new keys, and the viewer's session. Raises
    `Unauthenticated`.
    """
    viewer = context.signed_in()
    browser, errors = read_subscription(input, context.settings)
    if push_key(context.settings) is None:
        return [invalid(ErrorCode.INVALID, "This server sends no push messages.", "input")]
    if browser is None:
        return errors
    endpoint_hash = sha256(browser.endpoint.encode()).digest()
    async with owner_transaction(viewer.id) as connection:
        await connection.execute(LOCK_OF_BROWSER, endpoint_hash)
        await connection.execute(DELETE_OF_OTHERS, viewer.id, endpoint_hash)
        await connection.execute(DELETE_WITHOUT_SESSION, viewer.id)
        row = await connection.fetchrow(
            SUBSCRIBE,
            viewer.id,
            uuid7(),
            viewer.session_id,
            browser.endpoint,
            endpoint_hash,
            browser.p256dh,
            browser.auth,
            cleaned(context.user_agent, MAX_USER_AGENT_LENGTH),
        )
    context.clear_loaders()
    if row is None:
        message = f"Pushes go to {MAX_SUBSCRIPTIONS} browsers at most: unsubscribe another one."
        return [invalid(ErrorCode.TOO_MANY, message, "input")]
    return []


async def unsubscribe(owner_id: UUID, subscription_id: UUID) -> bool:
    """End a subscription; False if the owner has none with this id."""
    return await fetchrow(UNSUBSCRIBE, owner_id, subscription_id) is not None
