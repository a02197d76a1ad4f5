"""The way to PostgreSQL: connections, statements, transactions and migrations."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from types import TracebackType
from typing import Any, NamedTuple, Protocol, TypeAlias

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.schema_editor.asyncpg import AsyncpgSchemaEditor
from tortoise.transactions import in_transaction

from todo_gql.database.character_type import UnfitDatabase, advice_on
from todo_gql.database.pool import LOOK_SECONDS, Pool
from todo_gql.database.retry import LOST, STALE, OutcomeUnknown
from todo_gql.database.tortoise_backend import Client, joined, pools
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

Row: TypeAlias = asyncpg.Record


class Values(Protocol):
    """Values by column name: a row, or a mapping that stands for one."""

    def __getitem__(self, column: str, /) -> Any: ...


Connection: TypeAlias = "asyncpg.Connection[Row]"

# In a wheel the migrations lie inside the package, in a checkout beside it.
MIGRATIONS = "todo_gql.migrations" if find_spec("todo_gql.migrations") else "migrations"

# Held while migrations run, so that two never run at once; any constant of 64 bits will do.
MIGRATION_LOCK = 0x746F646F_67716C

# How long to wait, in seconds, before each further try at a table that is in use.
MIGRATION_PAUSES = (1, 2, 4, 8, 15, 15, 15)
TABLE_IN_USE = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

SESSION_SETTINGS = {
    "application_name": "todo_gql",
    "idle_in_transaction_session_timeout": "10s",
    # Compiling a plan costs more than any of these short statements.
    "jit": "off",
    "lock_timeout": "2s",
    # A statement has one process, so that a caller's few connections are as few of the cores.
    "max_parallel_workers_per_gather": "0",
    "statement_timeout": "5s",
    "timezone": "UTC",
}


def tortoise_config(dsn: str, settings: Settings) -> dict[str, Any]:
    """Tortoise's configuration for the database at `dsn`."""
    most = settings.database_pool_size + settings.database_max_overflow
    credentials = {
        "dsn": dsn,
        "pool_timeout": settings.database_pool_timeout,
        # One is left for others, however small the pool is.
        "pool_share": max(1, min(settings.database_connections_per_caller, most - 1)),
        "minsize": settings.database_pool_size,
        "maxsize": most,
        "server_settings": SESSION_SETTINGS,
    }
    return {
        "connections": {"default": {"engine": Client.__module__, "credentials": credentials}},
        "apps": {"models": {"models": ["todo_gql.database.models"], "migrations": MIGRATIONS}},
    }


async def connect(dsn: str, settings: Settings) -> None:
    """Make the database at `dsn` the one that models and statements use."""
    await Tortoise.init(config=tortoise_config(dsn, settings), _enable_global_fallback=True)


async def disconnect() -> None:
    """Close the pool, waiting at most 10 s for connections in use."""
    await Tortoise.close_connections()


@asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """End what uses PostgreSQL for too long, and close where it has fallen silent, within the block.

    For programs whose every statement has a limit, which migrations haven't.
    """
    watching = asyncio.create_task(_watch())
    try:
        yield
    finally:
        watching.cancel()


async def _watch() -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if pools:
            pools[-1].end_too_long()
            pools[-1].close_silent()


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


class connection:  # noqa: N801 - it reads as what it gives
    """A connection for the length of a block; `TimeoutError` when none is free in time.

    Inside a transaction of Tortoise's it is that one's.
    """

    __slots__ = ("lent", "pool", "wrapper")

    async def __aenter__(self) -> Connection:
        transaction = joined.get()
        if transaction is not None:
            self.pool = None
            self.wrapper = transaction.acquire_connection()
            return await self.wrapper.__aenter__()
        self.pool = pools[-1] if pools else await _opened_pool()
        self.lent = await self.pool.take()
        return self.lent

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.pool is None:
            await self.wrapper.__aexit__(kind, error, trace)
        elif error is not None:
            await self.pool.take_back(self.lent, error)
        else:
            await self.pool.release(self.lent)


async def _opened_pool() -> Pool:
    client = get_connection("default")
    assert isinstance(client, Client)
    return await client.opened_pool()


@asynccontextmanager
async def transaction() -> AsyncIterator[Connection]:
    """A connection with a transaction that ends with the block, undone if that raises.

    `OutcomeUnknown` when the connection is lost while it is stored.
    """
    async with connection() as acquired:
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
            return await pools[-1].rows(sql, values)
        async with connection() as acquired:
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
        async with connection() as acquired:
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
    async with connection() as acquired:
        return await acquired.fetch(sql, *values)


async def _fetched_again(lost: Exception, sql: str, *values: object) -> list[Row]:
    """All rows of a statement whose connection was lost, if PostgreSQL finds that it only reads."""
    if joined.get() is not None:
        raise lost
    logger.warning("a statement is sent again: %s", type(lost).__name__)
    try:
        async with connection() as acquired, acquired.transaction(readonly=True):
            return await acquired.fetch(sql, *values)
    except asyncpg.ReadOnlySQLTransactionError:
        raise OutcomeUnknown from lost


async def server_version() -> str:
    """The version that the database server gives of itself."""
    async with connection() as acquired:
        return str(await acquired.fetchval("SHOW server_version"))


def _app_config() -> dict[str, dict[str, Any]]:
    return {"models": {"models": ["todo_gql.database.models"], "migrations": MIGRATIONS}}


async def migrate(*, any_letters: bool = False) -> list[str]:
    """Apply the missing migrations, all or none, and return their names.

    Waits for another that runs, but at most 2 s for a table that is in use; then everything is
    undone and tried again a little later, so that nobody waits behind us for long.
    asyncpg's `LockNotAvailableError` when the table was in use each time; `UnfitDatabase` for a new
    database that doesn't know letters, unless `any_letters` will do.
    """
    for seconds in MIGRATION_PAUSES:
        try:
            return await _migrate(any_letters=any_letters)
        except TABLE_IN_USE:
            logger.warning("A table is in use; migrating again in %s s.", seconds)
        await asyncio.sleep(seconds)
    return await _migrate(any_letters=any_letters)


async def _migrate(*, any_letters: bool) -> list[str]:
    applied: list[str] = []

    def note(event: str, _app: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    async with in_transaction() as transaction:
        await transaction.execute_script(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
            "SET LOCAL idle_in_transaction_session_timeout = 0;"
            f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); SET LOCAL lock_timeout = '2s'"
        )
        executor = MigrationExecutor(transaction, _app_config())
        # The executor would first read a table that isn't there, and so end the transaction.
        await executor.recorder.ensure_schema(AsyncpgSchemaEditor(transaction))
        # The executor would take this table being in use for its being empty.
        await transaction.execute_script("LOCK TABLE tortoise_migrations IN EXCLUSIVE MODE")
        is_new = not await executor.recorder.applied_migrations()
        await executor.migrate(progress=note)
        if is_new and not any_letters and (advice := await advice_on_letters()):
            raise UnfitDatabase(advice)
    return applied


async def advice_on_letters() -> str | None:
    """How to mend the database, once it is migrated, if it doesn't know letters; else None."""
    async with connection() as acquired:
        return await advice_on(acquired)


async def unapplied_migrations() -> list[str]:
    """The names of the migrations that the database still lacks."""
    executor = MigrationExecutor(get_connection("default"), _app_config())
    return [step.migration.name for step in await executor.plan()]


@asynccontextmanager
async def _detector() -> AsyncIterator[MigrationAutodetector]:
    config = tortoise_config("postgresql://nowhere/nothing", Settings())
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        assert context.apps is not None
        yield MigrationAutodetector(context.apps, _app_config())


async def models_without_migration() -> list[str]:
    """What the models say and no migration does, an operation a line; needs no database."""
    async with _detector() as detector:
        writers = await detector.changes()
    return [operation.describe() for writer in writers for operation in writer.operations]


async def write_migration() -> list[str]:
    """Write a migration for what `models_without_migration` lists, and return its path."""
    async with _detector() as detector:
        return await detector.write()
