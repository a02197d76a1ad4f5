"""The registry of this process's feeds, and the notifications that wake them.

A process has one, as it has one pool of connections.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from todo_gql.api.errors import Unavailable, is_temporary
from todo_gql.changelog.channels import channel
from todo_gql.changelog.feeds import Feeds
from todo_gql.changelog.notifications import Notifier
from todo_gql.observability.request_record import set_caller
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class FeedRegistry:
    """The feeds of a process, and its notifier."""

    feeds: Feeds
    notifier: Notifier


_running: list[FeedRegistry] = []


def feeds() -> Feeds:
    """The feeds of this process; `Unavailable` in a process without subscriptions."""
    if not _running:
        raise Unavailable
    return _running[-1].feeds


def announce(owner_id: UUID) -> None:
    """Notify all processes that an owner's log has grown; the writer doesn't wait for it."""
    if _running:
        _running[-1].notifier.announce(owner_id)


@asynccontextmanager
async def running_feeds(settings: Settings, database_url: str) -> AsyncIterator[FeedRegistry]:
    """Serve subscriptions within the block, from the connected database."""
    process_feeds, missed = Feeds(), asyncio.Event()
    open_channel = partial(channel, settings, database_url)
    registry = FeedRegistry(process_feeds, Notifier(open_channel, process_feeds.wake, missed.set))
    tasks = [
        asyncio.create_task(registry.notifier.run()),
        asyncio.create_task(_poll(process_feeds, missed)),
    ]
    _running.append(registry)
    try:
        yield registry
    finally:
        _running.remove(registry)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _poll(process_feeds: Feeds, missed: asyncio.Event) -> None:
    """Poll the logs: every `POLL_SECONDS`, and when notifications may have been missed."""
    set_caller("the feeds")
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(missed.wait(), POLL_SECONDS)
        missed.clear()
        try:
            await process_feeds.poll()
        except Exception as error:
            if not is_temporary(error):
                logger.exception("the logs can't be polled")
