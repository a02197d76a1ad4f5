"""Publish and subscribe between processes: PostgreSQL's LISTEN and NOTIFY, or Redis or Valkey."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeAlias

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from todo_gql.database.connection import Row
from todo_gql.database.tortoise_backend import SESSION_SETTINGS
from todo_gql.settings import Settings

CHANNEL_NAME = "todo_gql_changes"
CONNECT_SECONDS = 2.0
# The longest wait for a response; a healthy server takes less.
RESPONSE_SECONDS = 2.0
# A payload of NOTIFY has less than 8,000 bytes.
MAX_MESSAGE_BYTES = 7_500

# Errors of a channel; after one of them it is reopened.
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, RedisError, OSError, TimeoutError)


class Subscription(Protocol):
    """An open channel; any of its methods raises one of `FAILURES` once it is lost."""

    async def send(self, messages: list[str]) -> None:
        """Send messages to all processes, including this one."""

    async def check(self) -> None:
        """Check that the server still responds."""

    async def next_message(self) -> str:
        """Wait for the next message of any process."""


Channel: TypeAlias = AbstractAsyncContextManager[Subscription]


class PostgresSubscription:
    """One connection that listens and notifies."""

    def __init__(self, connection: "asyncpg.Connection[Row]") -> None:
        self.connection = connection
        self.received: asyncio.Queue[str | None] = asyncio.Queue()

    def on_notification(
        self, _connection: object, _pid: int, _channel: str, message: object
    ) -> None:
        """Queue a notification for `next_message`."""
        self.received.put_nowait(str(message))

    def on_termination(self, _connection: object) -> None:
        """Let `next_message` raise, since no more notifications can arrive."""
        self.received.put_nowait(None)

    async def send(self, messages: list[str]) -> None:
        """Notify all listeners, in a transaction that changes nothing."""
        await self.connection.execute(
            "SELECT pg_notify($1, message) FROM unnest($2::text[]) message",
            CHANNEL_NAME,
            messages,
            timeout=RESPONSE_SECONDS,
        )

    async def check(self) -> None:
        """Run a statement."""
        await self.connection.execute("SELECT 1", timeout=RESPONSE_SECONDS)

    async def next_message(self) -> str:
        """Wait for the next notification; `ConnectionError` if the connection is lost."""
        message = await self.received.get()
        if message is None:
            raise ConnectionError("the connection was lost")
        return message


@asynccontextmanager
async def postgres_channel(database_url: str) -> AsyncIterator[Subscription]:
    """A subscription with a connection of its own: notifications arrive on the one that listens."""
    # Notifications needn't survive a crash, so no commit has to wait for the disk.
    own = {**SESSION_SETTINGS, "synchronous_commit": "off"}
    connection = await asyncpg.connect(database_url, timeout=CONNECT_SECONDS, server_settings=own)
    subscription = PostgresSubscription(connection)
    connection.add_termination_listener(subscription.on_termination)
    try:
        await connection.add_listener(CHANNEL_NAME, subscription.on_notification)
        yield subscription
    finally:
        connection.terminate()


class RedisSubscription:
    """A pool to publish on, and one of its connections that is subscribed."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.pubsub = client.pubsub(ignore_subscribe_messages=True)

    async def send(self, messages: list[str]) -> None:
        """Publish to all subscribed processes."""
        for message in messages:
            await self.client.publish(CHANNEL_NAME, message)

    async def check(self) -> None:
        """Send a PING."""
        await self.client.ping()

    async def next_message(self) -> str:
        """Wait for the next published message."""
        while True:
            message = await self.pubsub.get_message(timeout=None)
            if message:
                return str(message["data"])


@asynccontextmanager
async def redis_channel(url: str, pool_size: int) -> AsyncIterator[Subscription]:
    """A subscription with a subscribed connection, and others to publish on."""
    client = Redis.from_url(
        url,
        decode_responses=True,
        max_connections=pool_size,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=RESPONSE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    subscription = RedisSubscription(client)
    try:
        await subscription.pubsub.subscribe(CHANNEL_NAME)
        yield subscription
    finally:
        # The library's types leave this one out.
        await subscription.pubsub.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()


def channel(settings: Settings, database_url: str) -> Channel:
    """The channel to open by the settings: Redis if there is a REDIS_URL, or else PostgreSQL."""
    if settings.redis_url:
        return redis_channel(settings.redis_url.get_secret_value(), settings.redis_pool_size)
    return postgres_channel(database_url)
