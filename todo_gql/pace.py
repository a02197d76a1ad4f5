"""Long work in pieces, between which the event loop serves others."""

import asyncio
from time import monotonic
from typing import Final

LONGEST_SECONDS: Final = 0.005


class Pace:
    """The pace of one piece of work."""

    def __init__(self) -> None:
        self._since = monotonic()

    async def breathe(self) -> None:
        """Let the event loop go on, unless it did so a moment ago."""
        if monotonic() - self._since > LONGEST_SECONDS:
            await asyncio.sleep(0)
            self._since = monotonic()
