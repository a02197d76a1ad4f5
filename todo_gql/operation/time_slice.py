"""Cooperative scheduling: long work runs in time slices, between which the event loop runs other tasks."""

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Final

SLICE_SECONDS: Final = 0.005

# Tasks that wait to begin their next slice. Only one slice begins in each iteration of the event loop:
# several in one iteration would add up to a long pause.
_queue: Final = deque[asyncio.Future[None]]()


class TimeSlice:
    """The time slices of one task; with `is_long` the first one waits in the queue too."""

    def __init__(self, *, is_long: bool = False) -> None:
        self._started_at = 0.0 if is_long else monotonic()

    async def checkpoint(self) -> None:
        """Yield to the event loop if the slice of `SLICE_SECONDS` is used up."""
        if monotonic() - self._started_at > SLICE_SECONDS:
            await _next_slice()
            self._started_at = monotonic()


async def _next_slice() -> None:
    """Wait in the queue until the next slice may begin."""
    loop = asyncio.get_running_loop()
    started: asyncio.Future[None] = loop.create_future()
    _queue.append(started)
    if len(_queue) == 1:
        loop.call_soon(_start_next, loop)
    try:
        await started
    except asyncio.CancelledError:
        with suppress(ValueError):
            _queue.remove(started)
        raise


def _start_next(loop: asyncio.AbstractEventLoop) -> None:
    """Start the next slice, and run again in the next iteration if others wait."""
    if _queue:
        started = _queue.popleft()
        if not started.done():
            started.set_result(None)
    if _queue:
        loop.call_soon(_start_next, loop)
