"""Tortoise's client, on our pool, and its transactions."""

import logging
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

from todo_gql.database.instrumented_connection import NotedConnection
from todo_gql.database.pool import Pool
from todo_gql.database.retry import LOST, STALE, OutcomeUnknown

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

pools: list[Pool] = []
joined: ContextVar["Transaction | None"] = ContextVar("joined", default=None)
"""The transaction of Tortoise's that the current task is in.

Tortoise finds it and the pool, too, but takes as long for that as a fifth of a statement.
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
        return await _prepared_again(super().execute_insert, query, values)

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, list[dict[Any, Any]]]:
        return await _prepared_again(super().execute_query, query, values)

    async def execute_query_dict(
        self, query: str, values: list[Any] | None = None
    ) -> list[dict[Any, Any]]:
        return await _prepared_again(super().execute_query_dict, query, values)

    @property
    def pool(self) -> Pool | None:
        """The pool, once it is open."""
        return self._pool

    def _in_transaction(self) -> TransactionContext:
        return Joined(Transaction(self), self._pool_init_lock)

    async def opened_pool(self) -> Pool:
        """The pool, which the first one who needs it opens."""
        await self.acquire_connection().ensure_connection()
        assert self._pool is not None
        return self._pool


async def _prepared_again(
    send: Callable[[str, Any], Coroutine[Any, Any, Result]], query: str, values: Any
) -> Result:
    """What a statement of Tortoise's outside a transaction gives, also if it was refused once."""
    try:
        return await send(query, values)
    except STALE as stale:
        logger.warning("a statement is prepared again: %s", type(stale).__name__)
        return await send(query, values)


class Transaction(TransactionWrapper):
    """A transaction of Tortoise's that says so when nobody knows how it ended."""

    _parent: Client
    _connection: NotedConnection

    async def begin(self) -> None:
        """Begin it; where that fails its connection goes back, which Tortoise would keep."""
        try:
            await super().begin()
        except BaseException as error:
            get_connections().set(self.connection_name, self._parent)
            assert self._parent.pool is not None
            await self._parent.pool.take_back(self._connection, error)
            raise

    async def forget_prepared(self) -> None:
        """Have all statements prepared again, on this connection and all others of the pool."""
        await self._connection.reload_schema_state()

    async def commit(self) -> None:
        """End it; `OutcomeUnknown` when the connection is lost meanwhile."""
        try:
            await super().commit()
        except LOST as lost:
            raise OutcomeUnknown from lost


class Joined(TransactionContextPooled):
    """The block of a transaction of Tortoise's, whose statements all go by its connection."""

    client: Transaction

    async def __aenter__(self) -> Transaction:
        await super().__aenter__()
        self.before = joined.set(self.client)
        return self.client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, STALE):
            # Tortoise gives the connection back without the error.
            await self.client.forget_prepared()
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            joined.reset(self.before)


client_class = Client
