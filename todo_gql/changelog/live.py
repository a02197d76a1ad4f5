"""What this process hears of change logs: the feeds of its subscribers, and what wakes them.

There is one of it in a process, as there is one pool of connections.
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
from todo_gql.changelog.wakeups import Wakeups
from todo_gql.observability.request_record import set_caller
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Live:
    """The feeds of a process, and its end of the channel between processes."""

    feeds: Feeds
    wakeups: Wakeups


_running: list[Live] = []


def feeds() -> Feeds:
    """The feeds of this process; `Unavailable` where nobody can subscribe."""
    if not _running:
        raise Unavailable
    return _running[-1].feeds


def announce(owner_id: UUID) -> None:
    """Tell everybody, in a moment, that an owner's log has grown; costs the writer nothing."""
    if _running:
        _running[-1].wakeups.announce(owner_id)


@asynccontextmanager
async def following(settings: Settings, database_url: str) -> AsyncIterator[Live]:
    """Let subscribers follow change logs within the block, on the database that is connected."""
    logs, missed = Feeds(), asyncio.Event()
    open_channel = partial(channel, settings, database_url)
    live = Live(logs, Wakeups(open_channel, logs.wake, missed.set))
    tasks = [asyncio.create_task(live.wakeups.run()), asyncio.create_task(_poll(logs, missed))]
    _running.append(live)
    try:
        yield live
    finally:
        _running.remove(live)
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _poll(logs: Feeds, missed: asyncio.Event) -> None:
    """Find what no wake-up told of: every five seconds, and when some may have been missed."""
    set_caller("the feeds")
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(missed.wait(), POLL_SECONDS)
        missed.clear()
        try:
            await logs.look()
        except Exception as error:
            if not is_temporary(error):
                logger.exception("the logs can't be polled")
