"""The registry of this process's feeds and other followers, and the notifications that wake them.

A process has one, as it has one pool of connections.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from todo_gql.api.errors import Unavailable, is_temporary
from todo_gql.changelog.channels import channel
from todo_gql.changelog.feeds import Feeds
from todo_gql.changelog.memberships import MembershipFollower, topic_of
from todo_gql.changelog.notifications import Notifier
from todo_gql.observability.request_record import set_caller
from todo_gql.security.memberships import memberships
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0


class Follower(Protocol):
    """What follows topics as they are announced: an owner's id for the log, others for other things."""

    def wake(self, topics: Iterable[UUID]) -> None:
        """Notice that these topics were announced, whoever follows them."""

    async def poll(self) -> None:
        """Notice what has grown without an announcement; raises what its statements raise."""


F = TypeVar("F", bound=Follower)


@dataclass(slots=True)
class FeedRegistry:
    """The feeds and other followers of a process, and its notifier."""

    notifier: Notifier = field(init=False)
    followers: dict[Callable[[], Any], Follower] = field(default_factory=dict)

    def follower(self, make: Callable[[], F]) -> F:
        """The process's follower of this kind, made when it is first needed."""
        follower = self.followers.get(make)
        if follower is None:
            follower = self.followers[make] = make()
        return cast("F", follower)

    def wake(self, topics: Iterable[UUID]) -> None:
        """Wake all followers."""
        for follower in self.followers.values():
            follower.wake(topics)

    async def poll(self) -> None:
        """Have all followers poll; raises what their statements raise."""
        for follower in list(self.followers.values()):
            await follower.poll()


_running: list[FeedRegistry] = []


def follower(make: Callable[[], F]) -> F:
    """This process's follower of a kind; `Unavailable` in a process without a notifier."""
    if not _running:
        raise Unavailable
    return _running[-1].follower(make)


def feeds() -> Feeds:
    """The feeds of this process; `Unavailable` in a process without subscriptions."""
    return follower(Feeds)


def announce(topic: UUID) -> None:
    """Notify all processes that a topic has grown, such as an owner's log by the owner's id.

    The writer doesn't wait for it.
    """
    if _running:
        _running[-1].notifier.announce(topic)


def announce_joined(user_ids: Iterable[UUID]) -> None:
    """Notify all processes that somebody has joined a list, of that person and the owner; after the commit."""
    for user_id in user_ids:
        memberships.join((user_id,))
        announce(topic_of(user_id))


@asynccontextmanager
async def running_feeds(settings: Settings, database_url: str) -> AsyncIterator[FeedRegistry]:
    """Serve subscriptions within the block, from the connected database."""
    registry, missed = FeedRegistry(), asyncio.Event()
    registry.follower(MembershipFollower)
    open_channel = partial(channel, settings, database_url)
    registry.notifier = Notifier(open_channel, registry.wake, missed.set)
    tasks = [
        asyncio.create_task(registry.notifier.run()),
        asyncio.create_task(_poll(registry, missed)),
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


async def _poll(registry: FeedRegistry, missed: asyncio.Event) -> None:
    """Poll the logs: every `POLL_SECONDS`, and when notifications may have been missed."""
    set_caller("the feeds")
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(missed.wait(), POLL_SECONDS)
        missed.clear()
        try:
            await registry.poll()
        except Exception as error:
            if not is_temporary(error):
                logger.exception("the logs can't be polled")
