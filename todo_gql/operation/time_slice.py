"""Long work in pieces, between which the event loop serves others."""

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Final

LONGEST_SECONDS: Final = 0.005

# Those whose next piece is to begin. Pieces of work that run in the same turn of the event loop
# would add up, so only one of them begins in each turn, whoever's work it is.
_waiting: Final = deque[asyncio.Future[None]]()


class Pace:
    """The pace of one piece of work; one that is long for sure waits for its turn to begin, too."""

    def __init__(self, *, is_long: bool = False) -> None:
        self._since = 0.0 if is_long else monotonic()

    async def breathe(self) -> None:
        """Let the event loop go on, unless it did so a moment ago."""
        if monotonic() - self._since > LONGEST_SECONDS:
            await _turn()
            self._since = monotonic()


async def _turn() -> None:
    """Wait until it is this piece that may begin."""
    loop = asyncio.get_running_loop()
    admitted: asyncio.Future[None] = loop.create_future()
    _waiting.append(admitted)
    if len(_waiting) == 1:
        loop.call_soon(_admit_next, loop)
    try:
        await admitted
    except asyncio.CancelledError:
        with suppress(ValueError):
            _waiting.remove(admitted)
        raise


def _admit_next(loop: asyncio.AbstractEventLoop) -> None:
    """Let the next piece begin, and come back in the next turn if others wait."""
    if _waiting:
        admitted = _waiting.popleft()
        if not admitted.done():
            admitted.set_result(None)
    if _waiting:
        loop.call_soon(_admit_next, loop)
