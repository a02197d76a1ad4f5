"""Watches how long servers, and the migration itself, wait for locks in PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg

SAMPLE_SECONDS = 0.05
WAITING = """
SELECT a.application_name AS program, l.pid, l.locktype AS kind, left(a.query, 200) AS statement,
    extract(epoch FROM clock_timestamp() - l.waitstart)::float8 AS seconds
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.datname = current_database()
"""


class Wait(NamedTuple):
    """A wait for a lock, as it was when it was seen."""

    at: float
    seconds: float
    program: str
    kind: str
    statement: str


class LockWaits:
    """The waits that were seen, every 50 ms, so that each is right to so much."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []

    def longest(self, begin: float, end: float, *, migration: bool) -> Wait | None:
        """The longest wait between two times, of the migration or of anybody else."""
        chosen = [
            wait
            for wait in self.waits
            if begin <= wait.at <= end and (wait.program == "todo_gql migrate") == migration
        ]
        return max(chosen, key=lambda wait: wait.seconds, default=None)


@asynccontextmanager
async def watched_locks(url: str) -> AsyncIterator[LockWaits]:
    """Watch locks within the block."""
    found = LockWaits()
    connection = await asyncpg.connect(url, server_settings={"application_name": "bench"})
    watching = asyncio.create_task(_watch(connection, found))
    try:
        yield found
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await connection.close()


async def _watch(connection: "asyncpg.Connection[asyncpg.Record]", found: LockWaits) -> None:
    while True:
        for row in await connection.fetch(WAITING):
            values = (
                row["seconds"],
                row["program"],
                row["kind"],
                " ".join(row["statement"].split()),
            )
            found.waits.append(Wait(time.time(), *values))
        await asyncio.sleep(SAMPLE_SECONDS)
