"""Connections to PostgreSQL: statements and transactions on the pool."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, NamedTuple, Protocol, TypeAlias

import asyncpg
from tortoise.connection import get_connection

from todo_gql.database.pool import Pool
from todo_gql.database.retry import CONNECTION_LOST, STALE_STATEMENT, OutcomeUnknown
from todo_gql.database.tortoise_backend import Client, current_transaction, pools

logger = logging.getLogger(__name__)

Row: TypeAlias = asyncpg.Record


class Values(Protocol):
    """Values by column name: a row, or a mapping that stands for one."""

    def __getitem__(self, column: str, /) -> Any: ...


Connection: TypeAlias = "asyncpg.Connection[Row]"


class PoolUse(NamedTuple):
    """How many connections are in use, idle, and at most open, and how many tasks wait for one."""

    in_use: int = 0
    idle: int = 0
    limit: int = 0
    waiting: int = 0


def pool_use() -> PoolUse:
    """How the pool is used now; all 0 before it is opened."""
    if not pools:
        return PoolUse()
    pool = pools[-1]
    idle = pool.get_idle_size()
    return PoolUse(pool.get_size() - idle, idle, pool.get_max_size(), pool.waiting)


class acquire:  # noqa: N801 - it is called like a function
    """A connection for the length of a block; inside a transaction of Tortoise's, the transaction's.

    Raises `TimeoutError` when none is free within the pool's timeout, and what asyncpg raises when
    PostgreSQL can't be reached.
    """

    __slots__ = ("connection", "pool", "wrapper")

    async def __aenter__(self) -> Connection:
        transaction = current_transaction.get()
        if transaction is not None:
            self.pool = None
            self.wrapper = transaction.acquire_connection()
            return await self.wrapper.__aenter__()
        self.pool = pools[-1] if pools else await _opened_pool()
        self.connection = await self.pool.acquire()
        return self.connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.pool is None:
            await self.wrapper.__aexit__(kind, error, trace)
        elif error is not None:
            await self.pool.release_after_error(self.connection, error)
        else:
            await self.pool.release(self.connection)


async def _opened_pool() -> Pool:
    client = get_connection("default")
    assert isinstance(client, Client)
    return await client.opened_pool()


@asynccontextmanager
async def transaction() -> AsyncIterator[Connection]:
    """A connection in a transaction, which is committed at the end of the block.

    Rolled back if the block raises. Raises `OutcomeUnknown` when the connection is lost during the
    commit, and what `acquire` raises.
    """
    async with acquire() as connection:
        begun = connection.transaction()
        await begun.start()
        try:
            yield connection
        except CONNECTION_LOST:
            raise
        except Exception:
            await begun.rollback()
            raise
        try:
            await begun.commit()
        except CONNECTION_LOST as lost:
            raise OutcomeUnknown from lost


async def fetch(sql: str, *values: object, custom_plan: bool = False) -> list[Row]:
    """All rows of a statement, which is prepared once per connection.

    `custom_plan` has it planned for its values each time. Outside a transaction, a statement that only
    reads is sent once more when its connection was lost, and any statement when PostgreSQL refused
    it as prepared. Raises `OutcomeUnknown` for one that writes when its connection was lost, and what
    `acquire` and asyncpg raise.
    """
    try:
        if pools and not custom_plan and current_transaction.get() is None:
            return await pools[-1].fetch_rows(sql, values)
        async with acquire() as connection:
            if custom_plan:
                return await (await connection.prepare(sql)).fetch(*values)
            return await connection.fetch(sql, *values)
    except CONNECTION_LOST as lost:
        return await _fetch_if_read_only(lost, sql, *values)
    except STALE_STATEMENT as stale:
        return await _fetch_reprepared(stale, sql, *values)


async def fetchrow(sql: str, *values: object) -> Row | None:
    """The first row of a statement, None without one; retries and raises as `fetch` does."""
    try:
        async with acquire() as connection:
            return await connection.fetchrow(sql, *values)
    except CONNECTION_LOST as lost:
        rows = await _fetch_if_read_only(lost, sql, *values)
        return rows[0] if rows else None
    except STALE_STATEMENT as stale:
        rows = await _fetch_reprepared(stale, sql, *values)
        return rows[0] if rows else None


async def _fetch_reprepared(stale: Exception, sql: str, *values: object) -> list[Row]:
    """All rows of a statement that PostgreSQL didn't execute, since its prepared form is stale."""
    if current_transaction.get() is not None:
        raise stale
    logger.warning("a statement is prepared again: %s", type(stale).__name__)
    async with acquire() as connection:
        return await connection.fetch(sql, *values)


async def _fetch_if_read_only(lost: Exception, sql: str, *values: object) -> list[Row]:
    """All rows of a statement whose connection was lost, in a transaction that can only read."""
    if current_transaction.get() is not None:
        raise lost
    logger.warning("a statement is sent again: %s", type(lost).__name__)
    try:
        async with acquire() as connection, connection.transaction(readonly=True):
            return await connection.fetch(sql, *values)
    except asyncpg.ReadOnlySQLTransactionError:
        raise OutcomeUnknown from lost


def affected_rows(status: str) -> int:
    """The number of rows that a statement wrote, from the status that `execute` returns."""
    return int(status.rpartition(" ")[2])


async def server_version() -> str:
    """The version of the database server, such as 18.1."""
    async with acquire() as connection:
        return str(await connection.fetchval("SHOW server_version"))
