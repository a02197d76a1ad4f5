"""Connections to PostgreSQL: statements and transactions on the pool."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, NamedTuple, Protocol, TypeAlias

import asyncpg
from tortoise.connection import get_connection

from todo_gql.database.pool import Pool
from todo_gql.database.retry import LOST, STALE, OutcomeUnknown
from todo_gql.database.tortoise_backend import Client, joined, pools

logger = logging.getLogger(__name__)

Row: TypeAlias = asyncpg.Record


class Values(Protocol):
    """Values by column name: a row, or a mapping that stands for one."""

    def __getitem__(self, column: str, /) -> Any: ...


Connection: TypeAlias = "asyncpg.Connection[Row]"


class PoolUse(NamedTuple):
    """How many connections are in use and idle, may be opened, and are waited for."""

    in_use: int = 0
    idle: int = 0
    limit: int = 0
    waiting: int = 0


def pool_use() -> PoolUse:
    """What the pool is doing now."""
    if not pools:
        return PoolUse()
    pool = pools[-1]
    idle = pool.get_idle_size()
    return PoolUse(pool.get_size() - idle, idle, pool.get_max_size(), pool.waiting)


class acquire:  # noqa: N801 - it is called like a function
    """A connection for the length of a block; `TimeoutError` when none is free in time.

    Inside a transaction of Tortoise's it is that one's.
    """

    __slots__ = ("connection", "pool", "wrapper")

    async def __aenter__(self) -> Connection:
        transaction = joined.get()
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
    """A connection with a transaction that ends with the block, undone if that raises.

    `OutcomeUnknown` when the connection is lost while it is stored.
    """
    async with acquire() as acquired:
        begun = acquired.transaction()
        await begun.start()
        try:
            yield acquired
        except LOST:
            raise
        except Exception:
            await begun.rollback()
            raise
        try:
            await begun.commit()
        except LOST as lost:
            raise OutcomeUnknown from lost


async def fetch(sql: str, *values: object, plan_anew: bool = False) -> list[Row]:
    """All rows of a statement, prepared once per connection.

    A statement whose best plan depends on its values is to be planned anew each time. Unless it is
    part of a transaction, one that only reads is sent once more when its connection was lost, and
    any when PostgreSQL refused it as it was prepared.
    """
    try:
        if pools and not plan_anew and joined.get() is None:
            return await pools[-1].fetch_rows(sql, values)
        async with acquire() as acquired:
            if plan_anew:
                return await (await acquired.prepare(sql)).fetch(*values)
            return await acquired.fetch(sql, *values)
    except LOST as lost:
        return await _fetched_again(lost, sql, *values)
    except STALE as stale:
        return await _fetched_anew(stale, sql, *values)


async def fetchrow(sql: str, *values: object) -> Row | None:
    """The first row of a statement, prepared once per connection; as `fetch` for the rest."""
    try:
        async with acquire() as acquired:
            return await acquired.fetchrow(sql, *values)
    except LOST as lost:
        rows = await _fetched_again(lost, sql, *values)
        return rows[0] if rows else None
    except STALE as stale:
        rows = await _fetched_anew(stale, sql, *values)
        return rows[0] if rows else None


async def _fetched_anew(stale: Exception, sql: str, *values: object) -> list[Row]:
    """All rows of a statement that PostgreSQL didn't execute, since it was prepared too long ago."""
    if joined.get() is not None:
        raise stale
    logger.warning("a statement is prepared again: %s", type(stale).__name__)
    async with acquire() as acquired:
        return await acquired.fetch(sql, *values)


async def _fetched_again(lost: Exception, sql: str, *values: object) -> list[Row]:
    """All rows of a statement whose connection was lost, if PostgreSQL finds that it only reads."""
    if joined.get() is not None:
        raise lost
    logger.warning("a statement is sent again: %s", type(lost).__name__)
    try:
        async with acquire() as acquired, acquired.transaction(readonly=True):
            return await acquired.fetch(sql, *values)
    except asyncpg.ReadOnlySQLTransactionError:
        raise OutcomeUnknown from lost


async def server_version() -> str:
    """The version that the database server gives of itself."""
    async with acquire() as acquired:
        return str(await acquired.fetchval("SHOW server_version"))
