"""The turns of each person's pushes, so that nobody's push service occupies a worker."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

from pgqueuer.domain.errors import RetryRequested

MAX_RUNNING_OF_OWNER: Final = 5
"""How many pushes of one person a worker sends at a time."""

MIN_WAIT_SECONDS: Final = 0.5
MAX_WAIT_SECONDS: Final = 15 * 60.0
SPACING_SECONDS: Final = 0.1
"""How long after one push that waits for its turn the next one of the same person may begin."""


class Turns:
    """Who of a person's pushes is sent now, and when each of the others tries again.

    They return one after the other, and not all at once: however many wait, the queue is asked for ten of
    them a second.
    """

    def __init__(self) -> None:
        self._running = Counter[UUID]()
        self._next_turn = dict[UUID, float]()

    @contextmanager
    def of(self, owner_id: UUID) -> Iterator[None]:
        """Send a push in the block; raises `RetryRequested` while enough of its person are being sent."""
        if self._running[owner_id] >= MAX_RUNNING_OF_OWNER:
            wait = timedelta(seconds=self._wait(owner_id))
            raise RetryRequested(wait, "others of the same person are being sent")
        self._running[owner_id] += 1
        try:
            yield
        finally:
            self._running[owner_id] -= 1
            if not self._running[owner_id]:
                del self._running[owner_id]
                self._next_turn.pop(owner_id, None)

    def _wait(self, owner_id: UUID) -> float:
        now = asyncio.get_running_loop().time()
        earliest = now + MIN_WAIT_SECONDS
        turn = max(self._next_turn.get(owner_id, earliest) + SPACING_SECONDS, earliest)
        self._next_turn[owner_id] = turn
        return min(turn - now, MAX_WAIT_SECONDS)
