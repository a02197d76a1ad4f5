"""Feeds: the change logs with subscribers in this process, each read once for all of them."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from itertools import accumulate, islice
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from todo_gql.changelog.access import ENDS, NEWEST_CHANGE
from todo_gql.changelog.cursors import LogPosition
from todo_gql.changelog.positions import (
    PAGE_SIZE,
    ChangesLost,
    changes_after,
    retry_until_available,
)
from todo_gql.changelog.spans import has_source, is_joining
from todo_gql.database.connection import Row, fetch
from todo_gql.observability.request_record import set_caller
from todo_gql.operation.event_cache import EventCache
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import memberships

logger = logging.getLogger(__name__)

# The newest changes cached for each owner. A subscriber that is further behind reads the log itself,
# so that slow subscribers neither slow others down nor use memory.
CACHED_CHANGES = 100
# The most that such a subscriber has in memory, in characters of diffs; one change in any case.
MAX_CHUNK_CHARACTERS = 2**18
NEWEST_POSITIONS = f"""
SELECT u.id, f.seq, {NEWEST_CHANGE} AS change_id FROM {ENDS} WHERE u.id = ANY($1)
"""


class Cache(Protocol):
    """What a feature caches of a feed's last changes."""

    def clear(self) -> None:
        """Drop everything, since the log has grown or may have."""


C = TypeVar("C", bound=Cache)


def _first_chunk(rows: list[Row]) -> list[Row]:
    """The first of some changes, at most `MAX_CHUNK_CHARACTERS` of diffs, but one at least."""
    sizes = accumulate(len(row["diff"]) for row in rows)
    return rows[: 1 + sum(1 for size in sizes if size <= MAX_CHUNK_CHARACTERS)]


class Feed:
    """One owner's feed, followed as it grows.

    With `with_spans` it is read together with its spans: it is known to have some, or a subscriber needs columns
    that are read with them.
    """

    def __init__(self, owner_id: UUID) -> None:
        self.owner_id = owner_id
        self.subscribers = 0
        self.newest: LogPosition | None = None
        self.is_lost = False
        self.with_spans = False
        self._rows: deque[Row] = deque(maxlen=CACHED_CHANGES)
        self._has_unread = False
        self._read_task: asyncio.Task[None] | None = None
        self._grown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._shared: dict[Hashable, EventCache] = {}
        # One event of an owner is worked on at a time, so that others come in between.
        self.event_lock = asyncio.Lock()
        self._caches: dict[Callable[..., Any], Cache] = {}

    def start(self, newest: LogPosition) -> None:
        """Start reading after the newest change; a started feed reads if it doesn't know that one."""
        if self.newest is None:
            self.newest = newest
            self._start_reading()
        else:
            self.compare(newest)

    def compare(self, newest: LogPosition) -> None:
        """Read the log if its newest change is another than the newest one here."""
        if self.newest not in (None, newest):
            self.wake()

    def wake(self) -> None:
        """Read the new changes."""
        self._has_unread = True
        self._start_reading()

    def read_with_spans(self) -> None:
        """Read the spans too from now on, and their columns; what was read without them is dropped."""
        if not self.with_spans:
            self.with_spans = True
            self._rows.clear()

    def close(self) -> None:
        """Stop reading."""
        if self._read_task:
            self._read_task.cancel()

    async def after(self, position: LogPosition) -> AsyncGenerator[list[Row], None]:
        """Yield the changes after a position in order, in chunks, without end.

        `ChangesLost` when some of them are missing, or those yielded were undone.
        """
        while not self.is_lost:
            grown = self._grown
            rows = self._cached_after(position.seq)
            if rows is None:
                rows = _first_chunk(await self._fetch_after(position))
                if not rows:
                    break
            if rows:
                yield rows
                position = LogPosition.of(rows[-1]["seq"], rows[-1]["id"])
            else:
                await asyncio.shield(grown)
        raise ChangesLost

    def shared(self, viewer: Viewer) -> EventCache:
        """The cache for an event: created after its change was read, and less than a second ago.

        One viewer's subscribers with the same rights share it, so that data is loaded once for all.
        """
        rights = viewer.rights
        shared = self._shared.get(rights)
        if shared is None or shared.is_expired:
            shared = self._shared[rights] = EventCache(viewer, self.event_lock)
        return shared

    def cache(self, make: Callable[[asyncio.Lock], C]) -> C:
        """The feed's cache of this kind, made with `event_lock` when it is first needed."""
        cache = self._caches.get(make)
        if cache is None:
            cache = self._caches[make] = make(self.event_lock)
        return cast("C", cache)

    def clear_caches(self) -> None:
        """Drop all that was loaded for the last events."""
        self._shared.clear()
        for cache in self._caches.values():
            cache.clear()

    def _cached_after(self, seq: int) -> list[Row] | None:
        """The cached changes after a number; None if they aren't all cached."""
        assert self.newest is not None
        if seq >= self.newest.seq:
            return []
        first = self.newest.seq + 1 - len(self._rows)
        if seq + 1 < first:
            return None
        return list(islice(self._rows, seq + 1 - first, None))

    async def _fetch_after(self, position: LogPosition) -> list[Row]:
        rows = await self._read_after(position)
        if not self.with_spans and has_source(rows):
            self.read_with_spans()
        if any(is_joining(row) for row in rows if self.with_spans):
            # The list is told of before the process may have heard that they are a member.
            memberships.join((self.owner_id,))
        if rows and self.newest and rows[-1]["seq"] > self.newest.seq:
            # Data loaded before may lack these changes.
            self.clear_caches()
        return rows

    async def _read_after(self, position: LogPosition) -> list[Row]:
        while True:
            with_spans = self.with_spans
            read = partial(changes_after, self.owner_id, position, with_spans=with_spans)
            rows = await retry_until_available(read)
            if with_spans == self.with_spans:
                return rows

    def _start_reading(self) -> None:
        if self._has_unread and self.newest is not None and self._read_task is None:
            # It reads for all of the owner's subscribers, so in a context of its own.
            context = Context()
            context.run(set_caller, self.owner_id.int)
            self._read_task = asyncio.create_task(self._read_new(), context=context)
            self._read_task.add_done_callback(self._on_read_end)

    def _on_read_end(self, task: asyncio.Task[None]) -> None:
        self._read_task = None
        if not task.cancelled() and (error := task.exception()):
            logger.error("a change log can't be read", exc_info=error)

    async def _read_new(self) -> None:
        assert self.newest is not None
        while self._has_unread:
            self._has_unread = False
            try:
                rows = await self._fetch_after(self.newest)
            except ChangesLost:
                # The cached changes are of a log that was replaced.
                self.is_lost = True
                self._wake_readers()
                return
            if rows:
                self._extend(rows)
            self._has_unread |= len(rows) == PAGE_SIZE

    def _extend(self, rows: list[Row]) -> None:
        self._rows.extend(rows)
        self.newest = LogPosition.of(rows[-1]["seq"], rows[-1]["id"])
        self._wake_readers()

    def _wake_readers(self) -> None:
        """Wake the subscribers that wait for changes."""
        grown, self._grown = self._grown, asyncio.get_running_loop().create_future()
        grown.set_result(None)


class Feeds:
    """The feeds of one process."""

    def __init__(self) -> None:
        self._feeds: dict[UUID, Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    @contextmanager
    def subscribed(self, owner_id: UUID) -> Iterator[Feed]:
        """The feed of an owner's log, which exists while it has subscribers."""
        feed = self._feeds.get(owner_id)
        if feed is None or feed.is_lost:
            feed = self._feeds[owner_id] = Feed(owner_id)
        feed.subscribers += 1
        try:
            yield feed
        finally:
            feed.subscribers -= 1
            if not feed.subscribers:
                feed.close()
                if self._feeds.get(owner_id) is feed:
                    del self._feeds[owner_id]

    def wake(self, owner_ids: Iterable[UUID]) -> None:
        """Let the feeds of these owners read their logs."""
        for owner_id in owner_ids:
            if feed := self._feeds.get(owner_id):
                feed.wake()

    async def poll(self) -> None:
        """Query which logs have grown, and let their feeds read them."""
        for feed in self._feeds.values():
            feed.clear_caches()
        if self._feeds:
            for row in await fetch(NEWEST_POSITIONS, list(self._feeds)):
                if followed := self._feeds.get(row["id"]):
                    followed.compare(LogPosition.of(row["seq"], row["change_id"]))
