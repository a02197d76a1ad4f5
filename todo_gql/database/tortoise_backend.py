"""Tortoise on our pool: its client, its transactions and its configuration."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from importlib.util import find_spec
from types import TracebackType
from typing import Any, TypeVar

import asyncpg
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

from todo_gql.database.instrumented_connection import InstrumentedConnection
from todo_gql.database.pool import CHECK_SECONDS, Pool
from todo_gql.database.retry import CONNECTION_LOST, OUTAGES, STALE_STATEMENT, OutcomeUnknown
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# A wheel has the migrations inside the package, a checkout beside it.
MIGRATIONS = "todo_gql.migrations" if find_spec("todo_gql.migrations") else "migrations"

SESSION_SETTINGS = {
    "application_name": "todo_gql",
    "idle_in_transaction_session_timeout": "10s",
    # JIT compilation takes longer than any of these short statements.
    "jit": "off",
    "lock_timeout": "2s",
    # One process per statement, so that a caller's share of connections bounds its share of cores.
    "max_parallel_workers_per_gather": "0",
    "statement_timeout": "5s",
    "timezone": "UTC",
}

pools: list[Pool] = []
current_transaction: ContextVar["Transaction | None"] = ContextVar(
    "current_transaction", default=None
)
"""The transaction of Tortoise's that the current task is in.

Tortoise's own lookup of it and of the pool takes as long as a fifth of a statement.
"""


class Client(AsyncpgDBClient):
    """Tortoise's asyncpg client, on a pool that is opened by a DSN."""

    _pool: Pool | None

    def __init__(self, dsn: str, pool_timeout: float, pool_share: int, **options: Any) -> None:
        super().__init__(**options)
        self.dsn = dsn
        self.pool_timeout = pool_timeout
        self.pool_share = pool_share

    async def create_pool(self, **options: Any) -> Pool:
        pool = Pool(
            self.dsn,
            min_size=options["min_size"],
            max_size=options["max_size"],
            timeout=self.pool_timeout,
            share=self.pool_share,
            server_settings=options["server_settings"],
        )
        await pool
        pools.append(pool)
        return pool

    async def _close(self) -> None:
        if self._pool in pools:
            pools.remove(self._pool)
        await super()._close()

    async def execute_insert(self, query: str, values: list[Any]) -> asyncpg.Record | None:
        return await _retry_if_stale(super().execute_insert, query, values)

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, list[dict[Any, Any]]]:
        return await _retry_if_stale(super().execute_query, query, values)

    async def execute_query_dict(
        self, query: str, values: list[Any] | None = None
    ) -> list[dict[Any, Any]]:
        return await _retry_if_stale(super().execute_query_dict, query, values)

    @property
    def pool(self) -> Pool | None:
        """The pool, once it is open."""
        return self._pool

    def _in_transaction(self) -> TransactionContext:
        return TortoiseTransactionContext(Transaction(self), self._pool_init_lock)

    async def opened_pool(self) -> Pool:
        """The pool, which the first call opens; raises what asyncpg raises while connecting."""
        await self.acquire_connection().ensure_connection()
        assert self._pool is not None
        return self._pool


async def _retry_if_stale(
    send: Callable[[str, Any], Coroutine[Any, Any, Result]], query: str, values: Any
) -> Result:
    """Send a statement of Tortoise's outside a transaction; once more if its prepared form is stale."""
    try:
        return await send(query, values)
    except STALE_STATEMENT as stale:
        logger.warning("a statement is prepared again: %s", type(stale).__name__)
        return await send(query, values)


class Transaction(TransactionWrapper):
    """A transaction of Tortoise's whose commit raises `OutcomeUnknown` where the outcome is."""

    _parent: Client
    _connection: InstrumentedConnection

    async def begin(self) -> None:
        """Begin it; if that fails, release its connection, which Tortoise itself doesn't."""
        try:
            await super().begin()
        except BaseException as error:
            get_connections().set(self.connection_name, self._parent)
            assert self._parent.pool is not None
            await self._parent.pool.release_after_error(self._connection, error)
            raise

    async def invalidate_prepared_statements(self) -> None:
        """Drop all prepared statements, on this connection and all others of the pool."""
        await self._connection.reload_schema_state()

    async def commit(self) -> None:
        """Commit; raises `OutcomeUnknown` when the connection is lost meanwhile."""
        try:
            await super().commit()
        except CONNECTION_LOST as lost:
            raise OutcomeUnknown from lost


class TortoiseTransactionContext(TransactionContextPooled):
    """The context manager of a transaction of Tortoise's; sets `current_transaction` in its block."""

    client: Transaction

    async def __aenter__(self) -> Transaction:
        await super().__aenter__()
        self._outer = current_transaction.set(self.client)
        return self.client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, STALE_STATEMENT):
            # Tortoise releases the connection without the error.
            await self.client.invalidate_prepared_statements()
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            current_transaction.reset(self._outer)


client_class = Client


def tortoise_config(dsn: str, settings: Settings) -> dict[str, Any]:
    """Tortoise's configuration for the database at `dsn`."""
    most = settings.database_pool_size + settings.database_max_overflow
    credentials = {
        "dsn": dsn,
        "pool_timeout": settings.database_pool_timeout,
        # One connection is left for other callers, however small the pool is.
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
    """Have models and statements use the database at `dsn`; connects at the first statement."""
    await Tortoise.init(config=tortoise_config(dsn, settings), _enable_global_fallback=True)


async def disconnect() -> None:
    """Close the pool, waiting at most 10 s for connections in use."""
    await Tortoise.close_connections()


@asynccontextmanager
async def stale_connection_monitor() -> AsyncIterator[None]:
    """Within the block, end requests that use PostgreSQL too long, close stale connections, and end their sessions.

    For programs whose every statement has a timeout, unlike migrations.
    """
    monitoring = asyncio.create_task(_monitor())
    try:
        yield
    finally:
        monitoring.cancel()


async def _monitor() -> None:
    ending: asyncio.Task[None] | None = None
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        if pools:
            pools[-1].end_long_requests()
            pools[-1].close_stale()
            # The database may be away, and the other checks mustn't wait for it.
            if pools[-1].terminated and (ending is None or ending.done()):
                ending = asyncio.create_task(_end_unheard(pools[-1]))


async def _end_unheard(pool: Pool) -> None:
    with suppress(*OUTAGES, asyncpg.PostgresError, TimeoutError):
        await pool.end_unheard()
