"""Who is connected for longer than a request: how many may be, and for how long."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from todo_gql.api.errors import is_temporary
from todo_gql.observability.request_record import set_caller
from todo_gql.security.authentication import Viewer, open_among

logger = logging.getLogger(__name__)

# Whoever signs out anywhere is disconnected within twice as long.
WATCH_SECONDS = 2.0


class TooMany(Exception):
    """One more than somebody may have at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Stay:
    """A connection that somebody has, and how to end it once they may have it no longer."""

    viewer: Viewer | None
    good_until: float
    end: Callable[[], None]


class Connections:
    """The connections of one process, and how many subscriptions are live on them."""

    def __init__(self) -> None:
        self.subscriptions = 0
        self._stays: set[Stay] = set()
        self._counts = Counter[Hashable]()

    def __len__(self) -> int:
        return len(self._stays)

    @contextmanager
    def kept(self, stay: Stay, who: Hashable, most: int) -> Iterator[None]:
        """Keep a connection within the block; `TooMany` if `who` has as many already."""
        if self._counts[who] >= most:
            raise TooMany
        self._counts[who] += 1
        self._stays.add(stay)
        try:
            yield
        finally:
            self._stays.discard(stay)
            self._counts[who] -= 1
            if not self._counts[who]:
                del self._counts[who]

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a subscription as live within the block."""
        self.subscriptions += 1
        try:
            yield
        finally:
            self.subscriptions -= 1

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """End the connections whose token or session is over, within the block."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        set_caller("the connections")
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._end_those_that_are_over()
            except Exception as error:
                # Nothing can be said of sessions while the database is away, and nothing is read.
                if not is_temporary(error):
                    logger.exception("the sessions of connections can't be checked")

    async def _end_those_that_are_over(self) -> None:
        now = time.time()
        for stay in [each for each in self._stays if each.good_until <= now]:
            stay.end()
        signed_in = [(each, each.viewer) for each in self._stays if each.viewer]
        if not signed_in:
            return
        still_open = await open_among(viewer for _, viewer in signed_in)
        for stay, viewer in signed_in:
            if viewer.session_id not in still_open:
                stay.end()
