"""A queue for requests that waited behind another one on their connection."""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable


class PipelineQueue:
    """Begins one pipelined request in each turn of the event loop, connections in turn.

    All of them would make a turn as long as there are connections that pipeline, and every other
    request needs several turns. Whoever waits for each answer is never in this queue.
    """

    def __init__(self) -> None:
        self._waiting = deque[Callable[[], None]]()

    def wait(self, begin: Callable[[], None], loop: AbstractEventLoop) -> None:
        """Call `begin` in a turn of its own."""
        self._waiting.append(begin)
        if len(self._waiting) == 1:
            loop.call_soon(self._begin_next, loop)

    def _begin_next(self, loop: AbstractEventLoop) -> None:
        try:
            self._waiting[0]()
        finally:
            self._waiting.popleft()
            if self._waiting:
                loop.call_soon(self._begin_next, loop)
