"""Backfills: columns of existing rows are filled in beside servers that write.

Owner by owner, in short transactions that begin as every write of the owner does: with the lock of the
owner's row. So they get into no deadlock with writes, and an owner's writes wait for one batch at most.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias
from uuid import UUID

from todo_gql.database.connection import Connection, affected_rows
from todo_gql.database.migration_session import retried_while_in_use
from todo_gql.database.owner_batches import BATCH_SIZE, LOWEST_ID, SELECT_BATCH, lock_owner

logger = logging.getLogger(__name__)

# How long an owner's lock is to be held, and how many rows that usually allows.
BATCH_SECONDS = 0.15
FEWEST_ROWS, FIRST_ROWS, MOST_ROWS = 100, 500, 4_000
PROGRESS_SECONDS = 10.0

OwnerBackfill: TypeAlias = Callable[[Connection, UUID, "Progress"], Awaitable[None]]
"""Fills in what an owner's rows lack, in batches of its own."""


class Progress:
    """Logs the progress of a backfill, and chooses how many rows a batch has."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self.batch_rows = FIRST_ROWS
        self.begin = self.logged_at = time.monotonic()

    def add(self, rows: int, seconds: float) -> None:
        """Count the rows of a batch that took so long, and log their number every ten seconds."""
        if seconds > BATCH_SECONDS:
            self.batch_rows = max(FEWEST_ROWS, self.batch_rows // 2)
        elif seconds < BATCH_SECONDS / 2 and rows == self.batch_rows:
            self.batch_rows = min(MOST_ROWS, self.batch_rows * 2)
        self.rows += rows
        now = time.monotonic()
        if now - self.logged_at >= PROGRESS_SECONDS:
            self.logged_at = now
            logger.info("%s: %d rows so far.", self.name, self.rows)

    def log_end(self) -> None:
        """Log how many rows there were."""
        seconds = time.monotonic() - self.begin
        logger.info("%s: %d rows in %.1f s.", self.name, self.rows, seconds)


async def backfill(
    connection: Connection, name: str, is_incomplete: str, fill: OwnerBackfill
) -> None:
    """Fill in rows of all owners for whom an SQL condition holds, in which the owner is `u.id`.

    On a new database, where migrations are part of one transaction, there are none.
    """
    if connection.is_in_transaction():
        return
    progress = Progress(name)
    async for owner_id in _owners(connection, is_incomplete):
        await fill(connection, owner_id, progress)
    progress.log_end()


async def _owners(connection: Connection, is_incomplete: str) -> AsyncIterator[UUID]:
    last = LOWEST_ID
    statement = SELECT_BATCH.format(is_incomplete)
    while rows := await connection.fetch(statement, last, BATCH_SIZE):
        for row in rows:
            if row["is_due"]:
                yield row["id"]
        last = rows[-1]["id"]


async def execute_for_owner(
    connection: Connection, owner_id: UUID, progress: Progress, statement: str, *values: object
) -> None:
    """Execute a batch's statement, whose `$1` is the owner, in a transaction under the owner's lock.

    Retried while another transaction holds the lock.
    """
    execute = partial(_execute_for_owner, connection, owner_id, progress, statement, *values)
    await retried_while_in_use(execute, "row")


async def _execute_for_owner(
    connection: Connection, owner_id: UUID, progress: Progress, statement: str, *values: object
) -> None:
    async with _owner_transaction(connection, owner_id):
        begin = time.monotonic()
        status = await connection.execute(statement, owner_id, *values)
    progress.add(affected_rows(status), time.monotonic() - begin)


@asynccontextmanager
async def _owner_transaction(connection: Connection, owner_id: UUID) -> AsyncIterator[None]:
    async with connection.transaction():
        # A batch that a crash loses is done by the next run; nobody waits for the disk for it.
        await connection.execute("SET LOCAL synchronous_commit = off")
        await connection.execute(lock_owner(), owner_id)
        yield
