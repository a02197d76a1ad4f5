"""Cooperative scheduling: long work runs in time slices, between which the event loop runs other tasks."""

import asyncio
from functools import lru_cache, partial
from time import monotonic
from typing import Final

from todo_gql.event_loop.turn_queue import TurnQueue

SLICE_SECONDS: Final = 0.005
# What is short doesn't wait in the queue. Several tasks may begin in one turn of the event loop, where
# these times add up, so this one is shorter.
FIRST_SLICE_SECONDS: Final = 0.001


class TimeSlice:
    """The time slices of one task; with `is_long` the first one waits in the queue too."""

    def __init__(self, *, is_long: bool = False) -> None:
        self._ends_at = 0.0 if is_long else monotonic() + FIRST_SLICE_SECONDS

    async def checkpoint(self) -> None:
        """Yield to the event loop if the slice is used up."""
        if monotonic() > self._ends_at:
            await self.end()

    async def end(self) -> None:
        """End the slice, and wait until the next one begins, which lasts `SLICE_SECONDS`."""
        await next_turn()
        self._ends_at = monotonic() + SLICE_SECONDS


async def next_turn() -> None:
    """Wait until no other time slice begins in the same turn of the event loop."""
    loop = asyncio.get_running_loop()
    begun: asyncio.Future[None] = loop.create_future()
    begin = partial(_begin, begun)
    queue = _queue_of(loop)
    queue.wait(begin, loop)
    try:
        await begun
    except asyncio.CancelledError:
        queue.remove(begin)
        raise


@lru_cache(maxsize=4)
def _queue_of(_loop: asyncio.AbstractEventLoop) -> TurnQueue:
    """The queue of the tasks that wait to begin their next slice in an event loop."""
    return TurnQueue()


def _begin(begun: asyncio.Future[None]) -> None:
    if not begun.done():
        begun.set_result(None)
