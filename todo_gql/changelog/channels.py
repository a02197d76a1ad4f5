"""How processes reach each other: PostgreSQL's notifications, or a channel of Redis or Valkey."""

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

NAME = "todo_gql_changes"
CONNECT_SECONDS = 2.0
# Longer than any answer takes of a server that is neither frozen nor out of reach.
ANSWER_SECONDS = 2.0
# What a notification of PostgreSQL can hold is 8,000 bytes.
LONGEST_MESSAGE = 7_500

# What may be wrong with a channel; then it is opened again.
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, RedisError, OSError, TimeoutError)


class Link(Protocol):
    """An open channel; any of its methods raises one of `FAILURES` once it is lost."""

    async def send(self, messages: list[str]) -> None:
        """Send messages to every process, this one too."""

    async def check(self) -> None:
        """Ask whether somebody is still there."""

    async def next_message(self) -> str:
        """The next message that any process sent."""


Channel: TypeAlias = AbstractAsyncContextManager[Link]


class PostgresLink:
    """One connection that listens and notifies."""

    def __init__(self, connection: "asyncpg.Connection[Row]") -> None:
        self.connection = connection
        self.heard: asyncio.Queue[str | None] = asyncio.Queue()

    def hear(self, _connection: object, _pid: int, _channel: str, message: object) -> None:
        """Keep a notification for `next_message`."""
        self.heard.put_nowait(str(message))

    def lose(self, _connection: object) -> None:
        """Have whoever waits for a message know that none will come."""
        self.heard.put_nowait(None)

    async def send(self, messages: list[str]) -> None:
        """Notify all who listen, in a transaction that changes nothing."""
        await self.connection.execute(
            "SELECT pg_notify($1, message) FROM unnest($2::text[]) message",
            NAME,
            messages,
            timeout=ANSWER_SECONDS,
        )

    async def check(self) -> None:
        """Ask the database for an answer."""
        await self.connection.execute("SELECT 1", timeout=ANSWER_SECONDS)

    async def next_message(self) -> str:
        """The next notification."""
        message = await self.heard.get()
        if message is None:
            raise ConnectionError("the connection was lost")
        return message


@asynccontextmanager
async def postgres_channel(database_url: str) -> AsyncIterator[Link]:
    """A connection of its own, since notifications come to the connection that listens."""
    # What is notified needn't survive a crash, so no commit has to wait for the disk.
    own = {**SESSION_SETTINGS, "synchronous_commit": "off"}
    connection = await asyncpg.connect(database_url, timeout=CONNECT_SECONDS, server_settings=own)
    link = PostgresLink(connection)
    connection.add_termination_listener(link.lose)
    try:
        await connection.add_listener(NAME, link.hear)
        yield link
    finally:
        connection.terminate()


class RedisLink:
    """A pool to publish on, and the connection of it that is subscribed."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.subscription = client.pubsub(ignore_subscribe_messages=True)

    async def send(self, messages: list[str]) -> None:
        """Publish to all who are subscribed."""
        for message in messages:
            await self.client.publish(NAME, message)

    async def check(self) -> None:
        """Ask the server for an answer."""
        await self.client.ping()

    async def next_message(self) -> str:
        """The next message published."""
        while True:
            message = await self.subscription.get_message(timeout=None)
            if message:
                return str(message["data"])


@asynccontextmanager
async def redis_channel(url: str, pool_size: int) -> AsyncIterator[Link]:
    """A connection that is subscribed, and others to publish on."""
    client = Redis.from_url(
        url,
        decode_responses=True,
        max_connections=pool_size,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    link = RedisLink(client)
    try:
        await link.subscription.subscribe(NAME)
        yield link
    finally:
        # The library's types leave this one out.
        await link.subscription.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()


def channel(settings: Settings, database_url: str) -> Channel:
    """The channel that the settings ask for, to be opened."""
    if settings.redis_url:
        return redis_channel(settings.redis_url.get_secret_value(), settings.redis_pool_size)
    return postgres_channel(database_url)
