"""Iterating over owners in batches, for maintenance that concerns only some of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

from todo_gql.database.connection import Connection, fetch, transaction

BATCH_SIZE = 1_000
LOWEST_ID = UUID(int=0)
# By owner, like every statement about data of owners, so that it can run on each shard.
SELECT_BATCH = """
SELECT u.id, {} AS is_due
FROM (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2) u ORDER BY u.id
"""

PurgeBatch: TypeAlias = Callable[[Connection, UUID, int], Awaitable[int]]
"""Deletes a batch of an owner's rows that are older than so many days; returns their number."""


def lock_owner(columns: str = "") -> str:
    """SQL that locks the row of the account `$1`, and reads these columns of it.

    The first statement of every transaction that must not run beside writes to the owner's data.
    """
    return f"SELECT {columns} FROM users WHERE id = $1 FOR NO KEY UPDATE"


@asynccontextmanager
async def owner_transaction(owner_id: UUID) -> AsyncIterator[Connection]:
    """A transaction that holds an owner's lock."""
    async with transaction() as connection:
        await connection.execute(lock_owner(), owner_id)
        yield connection


async def purge_in_batches(is_due: str, days: int, purge_batch: PurgeBatch) -> int:
    """Delete what is due of all owners for whom an SQL condition holds; returns its number.

    Each batch is a transaction that holds its owner's lock; the condition is that of `owners_where`.
    """
    purged = 0
    async for owner_id in owners_where(is_due, days):
        while number := await _purge_batch(owner_id, days, purge_batch):
            purged += number
    return purged


async def _purge_batch(owner_id: UUID, days: int, purge_batch: PurgeBatch) -> int:
    async with owner_transaction(owner_id) as connection:
        return await purge_batch(connection, owner_id, days)


async def owners_where(is_due: str, days: int) -> AsyncIterator[UUID]:
    """The ids of the owners for whom an SQL condition holds, in ascending order.

    In the condition the owner is `u.id`, and the number of days is `$3`.
    """
    statement = SELECT_BATCH.format(is_due)
    last = LOWEST_ID
    while rows := await fetch(statement, last, BATCH_SIZE, days):
        for row in rows:
            if row["is_due"]:
                yield row["id"]
        last = rows[-1]["id"]
