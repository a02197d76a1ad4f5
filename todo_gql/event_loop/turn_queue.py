"""A queue of callbacks, each of which has a turn of the event loop of its own."""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class TurnQueue:
    """Calls at most one waiting callback in each turn of an event loop, first come, first served.

    All callbacks that are ready run in the same turn of an event loop, so the time that they take adds
    up, and every other request needs several turns.
    """

    def __init__(self) -> None:
        self._waiting = deque[Callable[[], None]]()
        # Whether `_call_next` is due, which it is once at most.
        self._is_scheduled = False

    def wait(self, callback: Callable[[], None], loop: AbstractEventLoop) -> None:
        """Call `callback` in a turn of its own."""
        self._waiting.append(callback)
        if not self._is_scheduled:
            self._schedule(loop)

    def remove(self, callback: Callable[[], None]) -> None:
        """Remove a callback, if it still waits."""
        with suppress(ValueError):
            self._waiting.remove(callback)

    def _schedule(self, loop: AbstractEventLoop) -> None:
        self._is_scheduled = True
        loop.call_soon(self._call_next, loop)

    def _call_next(self, loop: AbstractEventLoop) -> None:
        self._is_scheduled = False
        if not self._waiting:
            return
        callback = self._waiting.popleft()
        if self._waiting:
            self._schedule(loop)
        callback()
