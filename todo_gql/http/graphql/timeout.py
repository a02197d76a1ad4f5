"""A limit on the time that a block may take, without a timer for each."""

import asyncio
from functools import lru_cache
from types import TracebackType
from typing import Self


class Watch:
    """Ends the blocks of an event loop that take longer than so many seconds.

    As all may take as long, who began first is due first, and one timer does for all. One for each
    would take 1 µs to set and to cancel.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = seconds
        self.loop = loop
        self.due: dict[Deadline, float] = {}
        self.timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Begin to look for blocks that are due; those that end in time remove themselves."""
        self.timer = self.loop.call_later(self.seconds, self._look)

    def _look(self) -> None:
        self.timer = None
        now = self.loop.time()
        while self.due:
            deadline, due = next(iter(self.due.items()))
            if due > now:
                self.timer = self.loop.call_at(due, self._look)
                return
            del self.due[deadline]
            deadline.expire()


_watch = lru_cache(maxsize=4)(Watch)


class Deadline:
    """Cancels the task after so many seconds, and then raises `TimeoutError` from the block."""

    __slots__ = ("_due", "_expired", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def expired(self) -> bool:
        """Whether the time was over before the block was."""
        return self._expired

    def expire(self) -> None:
        """End the block, whose time is over."""
        self._expired = True
        self._task.cancel()

    def end(self) -> None:
        """End the block now, as if its time were over, unless it has ended."""
        if self._due.pop(self, None) is not None:
            self.expire()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        watch = _watch(self._seconds, loop)
        self._due = watch.due
        watch.due[self] = loop.time() + self._seconds
        if watch.timer is None:
            watch.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._expired:
            del self._due[self]
        elif self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error
