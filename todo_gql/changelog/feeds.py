"""The change logs of those who have subscribers here, each read once for all of these."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from itertools import accumulate, islice
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from todo_gql.changelog.cursors import Place
from todo_gql.changelog.positions import (
    PAGE,
    ChangesLost,
    changes_after,
    persistently,
)
from todo_gql.database.connection import Row, fetch
from todo_gql.observability.request_record import set_caller
from todo_gql.operation.event_cache import EventCache
from todo_gql.security import access
from todo_gql.security.authentication import Viewer

logger = logging.getLogger(__name__)

# The changes kept in memory for each owner. Who is further behind reads the log, so that nobody
# who is slow slows the others, or has anything kept for them.
KEPT = 100
# What one of those may have in memory of the log, in characters; one change in any case.
MOST_BEHIND = 2**18
NEWEST = f"""
SELECT u.id, u.change_seq, {access.NEWEST_CHANGE} AS change_id FROM users u WHERE u.id = ANY($1)
"""


class Cache(Protocol):
    """What a feature caches of a feed's last changes."""

    def clear(self) -> None:
        """Drop everything, since the log has grown or may have."""


C = TypeVar("C", bound=Cache)


def _beginning(rows: list[Row]) -> list[Row]:
    """The first of some changes, until they are more than one reader may have in memory."""
    sizes = accumulate(len(row["diff"]) for row in rows)
    return rows[: 1 + sum(1 for size in sizes if size <= MOST_BEHIND)]


class Feed:
    """One owner's log as it grows."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.readers = 0
        self.newest: Place | None = None
        self.is_lost = False
        self._rows: deque[Row] = deque(maxlen=KEPT)
        self._is_behind = False
        self._reading: asyncio.Task[None] | None = None
        self._growth: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._shared: dict[bool, EventCache] = {}
        # One event of an owner is worked on at a time, so that others come in between.
        self.turn = asyncio.Lock()
        self._caches: dict[Callable[..., Any], Cache] = {}

    def begin(self, newest: Place) -> None:
        """Read on from the newest change, or see to it that what is known leads there."""
        if self.newest is None:
            self.newest = newest
            self._read()
        else:
            self.look_at(newest)

    def look_at(self, newest: Place) -> None:
        """Read the log if another change than the newest known is said to be the newest."""
        if self.newest not in (None, newest):
            self.wake()

    def wake(self) -> None:
        """Read what the log has grown by."""
        self._is_behind = True
        self._read()

    def close(self) -> None:
        """Read no more."""
        if self._reading:
            self._reading.cancel()

    async def after(self, place: Place) -> AsyncGenerator[list[Row], None]:
        """The changes after a place, in order, some at a time, for ever.

        `ChangesLost` when the log lacks some of them, or what was told is no part of it any more.
        """
        while not self.is_lost:
            growth = self._growth
            rows = self._kept_after(place.seq)
            if rows is None:
                rows = _beginning(await self._fetched_after(place))
                if not rows:
                    break
            if rows:
                yield rows
                place = Place.of(rows[-1]["seq"], rows[-1]["id"])
            else:
                await asyncio.shield(growth)
        raise ChangesLost

    def shared(self, viewer: Viewer) -> EventCache:
        """What an event is told with: made after its change was read, and less than a second old.

        Subscribers who may see the same share it, so that what a change leads to is read once for
        all of them.
        """
        shared = self._shared.get(viewer.is_superuser)
        if shared is None or shared.is_expired:
            shared = self._shared[viewer.is_superuser] = EventCache(viewer, self.turn)
        return shared

    def cache(self, make: Callable[[asyncio.Lock], C]) -> C:
        """The feed's cache of this kind, made with `turn` when it is first needed."""
        cache = self._caches.get(make)
        if cache is None:
            cache = self._caches[make] = make(self.turn)
        return cast("C", cache)

    def forget_loaded(self) -> None:
        """Keep nothing in memory that was loaded for the last events."""
        self._shared.clear()
        for cache in self._caches.values():
            cache.clear()

    def _kept_after(self, seq: int) -> list[Row] | None:
        """What is known to follow a number; None if that isn't in memory."""
        assert self.newest is not None
        if seq >= self.newest.seq:
            return []
        first = self.newest.seq + 1 - len(self._rows)
        if seq + 1 < first:
            return None
        return list(islice(self._rows, seq + 1 - first, None))

    async def _fetched_after(self, place: Place) -> list[Row]:
        rows = await persistently(partial(changes_after, self.viewer, place))
        if rows and self.newest and rows[-1]["seq"] > self.newest.seq:
            # What was loaded before may not show these changes yet.
            self.forget_loaded()
        return rows

    def _read(self) -> None:
        if self._is_behind and self.newest is not None and self._reading is None:
            # It reads for all of the owner's readers, and so in the context of none of them.
            context = Context()
            context.run(set_caller, self.viewer.id.int)
            self._reading = asyncio.create_task(self._read_on(), context=context)
            self._reading.add_done_callback(self._end_reading)

    def _end_reading(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled() and (error := task.exception()):
            logger.error("a change log can't be read", exc_info=error)

    async def _read_on(self) -> None:
        assert self.newest is not None
        while self._is_behind:
            self._is_behind = False
            try:
                rows = await self._fetched_after(self.newest)
            except ChangesLost:
                # All that is known here is of a log that is no more.
                self.is_lost = True
                self._grow()
                return
            if rows:
                self._extend(rows)
            self._is_behind |= len(rows) == PAGE

    def _extend(self, rows: list[Row]) -> None:
        self._rows.extend(rows)
        self.newest = Place.of(rows[-1]["seq"], rows[-1]["id"])
        self._grow()

    def _grow(self) -> None:
        """Wake up those who wait for something new."""
        growth, self._growth = self._growth, asyncio.get_running_loop().create_future()
        growth.set_result(None)


class Feeds:
    """The feeds of one process."""

    def __init__(self) -> None:
        self._feeds: dict[UUID, Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    @contextmanager
    def joined(self, viewer: Viewer) -> Iterator[Feed]:
        """The feed of the viewer's log, which is there while somebody has joined it."""
        feed = self._feeds.get(viewer.id)
        if feed is None or feed.is_lost:
            feed = self._feeds[viewer.id] = Feed(viewer)
        feed.readers += 1
        try:
            yield feed
        finally:
            feed.readers -= 1
            if not feed.readers:
                feed.close()
                if self._feeds.get(viewer.id) is feed:
                    del self._feeds[viewer.id]

    def wake(self, owner_ids: Iterable[UUID]) -> None:
        """Have the logs read that have grown, where somebody has joined."""
        for owner_id in owner_ids:
            if feed := self._feeds.get(owner_id):
                feed.wake()

    async def look(self) -> None:
        """Ask once which logs have grown."""
        for feed in self._feeds.values():
            feed.forget_loaded()
        if self._feeds:
            for row in await fetch(NEWEST, list(self._feeds)):
                if known := self._feeds.get(row["id"]):
                    known.look_at(Place.of(row["change_seq"], row["change_id"]))
