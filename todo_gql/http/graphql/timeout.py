"""A timeout for blocks, with one timer for all blocks of an event loop."""

import asyncio
from functools import lru_cache
from types import TracebackType
from typing import Self


class DeadlineTimer:
    """Expires the deadlines of an event loop that have the same length in seconds.

    The deadline that began first is due first, so one timer suffices for all. A timer for each
    would take 1 µs to set and to cancel.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = seconds
        self.loop = loop
        self.due: dict[Deadline, float] = {}
        self.timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Start the timer; blocks that end in time remove their own deadlines."""
        self.timer = self.loop.call_later(self.seconds, self._check)

    def _check(self) -> None:
        self.timer = None
        now = self.loop.time()
        while self.due:
            deadline, due = next(iter(self.due.items()))
            if due > now:
                self.timer = self.loop.call_at(due, self._check)
                return
            del self.due[deadline]
            deadline.expire()


_timer_for = lru_cache(maxsize=4)(DeadlineTimer)


class Deadline:
    """Cancels the task after so many seconds; the block then raises TimeoutError."""

    __slots__ = ("_due", "_expired", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def expired(self) -> bool:
        """Whether the deadline passed before the block ended."""
        return self._expired

    def expire(self) -> None:
        """Cancel the block, whose deadline has passed."""
        self._expired = True
        self._task.cancel()

    def end(self) -> None:
        """Cancel the block now as if its deadline had passed, unless it has ended."""
        if self._due.pop(self, None) is not None:
            self.expire()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        deadline_timer = _timer_for(self._seconds, loop)
        self._due = deadline_timer.due
        deadline_timer.due[self] = loop.time() + self._seconds
        if deadline_timer.timer is None:
            deadline_timer.begin()
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
