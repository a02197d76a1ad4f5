"""Waiting until something is so, in this process or in another one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.01
# Whether somebody waits for a lock that this connection holds.
IS_IN_THE_WAY = (
    "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
    " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)

PutForward = Callable[[float], None]


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so; `TimeoutError` when it doesn't come to be."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = is_so()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(PAUSE_SECONDS)


@dataclass
class Turns:
    """How many turns of the event loop others have had."""

    number: int = 0


@asynccontextmanager
async def counted_turns() -> AsyncIterator[Turns]:
    """Count the turns of the event loop for the length of a block."""
    turns = Turns()

    async def count() -> None:
        while True:
            turns.number += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    try:
        yield turns
    finally:
        counting.cancel()
