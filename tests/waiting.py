"""Waiting until something is so, in this process or in another one."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.01


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so; `TimeoutError` when it doesn't come to be."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = is_so()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(PAUSE_SECONDS)
