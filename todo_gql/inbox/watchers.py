"""The inboxes with subscribers in this process, and what wakes them."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final
from uuid import UUID

from todo_gql.changelog.positions import retry_until_available
from todo_gql.database.connection import Row, fetch
from todo_gql.inbox.access import IS_KNOWN, NOTIFICATION_COLUMNS
from todo_gql.inbox.wake_ups import topic_of
from todo_gql.operation.event_cache import EventCache
from todo_gql.security.authentication import Viewer

PAGE_SIZE: Final = 100
NEWEST = "SELECT owner_id, entry_seq FROM inboxes WHERE owner_id = ANY($1)"
ENTRIES_AFTER = f"""
SELECT {", ".join(NOTIFICATION_COLUMNS)} FROM notifications n
WHERE n.owner_id = $1 AND n.seq > $2 AND {IS_KNOWN} ORDER BY n.seq LIMIT $3
"""


class WatchedInbox:
    """One person's inbox, with what its subscribers share."""

    def __init__(self, owner_id: UUID) -> None:
        self.owner_id = owner_id
        self.subscribers = 0
        self.polled_seq = 0
        self._grown = asyncio.Event()
        self._lock = asyncio.Lock()
        self._cache: EventCache | None = None
        self._newest_read = 0

    def wake(self) -> None:
        """Have the subscribers read, of whom each waits on the event as it was then."""
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def shared(self, viewer: Viewer) -> EventCache:
        """The cache for an event, less than a second old; it is of those alone who may see the same."""
        cache = self._cache
        if cache is None or cache.is_expired or cache.viewer.rights != viewer.rights:
            cache = self._cache = EventCache(viewer, self._lock)
        return cache

    def _drop_cache(self, seq: int) -> None:
        """Load anew for entries that nobody has read: what they are about may not be seen any more."""
        if seq > self._newest_read:
            self._newest_read, self._cache = seq, None

    async def after(self, seq: int) -> AsyncGenerator[list[Row], None]:
        """Yield the entries after a number, new and counted up, in chunks without end."""
        while True:
            grown = self._grown
            rows = await retry_until_available(
                partial(fetch, ENTRIES_AFTER, self.owner_id, seq, PAGE_SIZE)
            )
            if rows:
                seq = rows[-1]["seq"]
                self._drop_cache(seq)
                yield rows
            else:
                await grown.wait()


class WatchedInboxes:
    """The inboxes that are followed in one process."""

    def __init__(self) -> None:
        self._by_topic: dict[UUID, WatchedInbox] = {}

    def subscribers(self, owner_id: UUID) -> int:
        """How many subscriptions follow a person's inbox."""
        inbox = self._by_topic.get(topic_of(owner_id))
        return inbox.subscribers if inbox else 0

    @contextmanager
    def subscribed(self, owner_id: UUID) -> Iterator[WatchedInbox]:
        """The watched inbox of a person, which exists while it has subscribers."""
        topic = topic_of(owner_id)
        inbox = self._by_topic.setdefault(topic, WatchedInbox(owner_id))
        inbox.subscribers += 1
        try:
            yield inbox
        finally:
            inbox.subscribers -= 1
            if not inbox.subscribers and self._by_topic.get(topic) is inbox:
                del self._by_topic[topic]

    def wake(self, topics: Iterable[UUID]) -> None:
        """Have the subscribers of these inboxes read."""
        for topic in topics:
            if inbox := self._by_topic.get(topic):
                inbox.wake()

    async def poll(self) -> None:
        """Wake the inboxes that have grown; raises what `fetch` raises."""
        by_owner = {inbox.owner_id: inbox for inbox in self._by_topic.values()}
        if by_owner:
            for row in await fetch(NEWEST, list(by_owner)):
                inbox = by_owner[row["owner_id"]]
                if row["entry_seq"] > inbox.polled_seq:
                    inbox.polled_seq = row["entry_seq"]
                    inbox.wake()


async def newest_seq(owner_id: UUID) -> int:
    """The number of the newest entry of an inbox, 0 without one; raises what `fetch` raises."""
    rows = await fetch(NEWEST, [owner_id])
    return int(rows[0]["entry_seq"]) if rows else 0
