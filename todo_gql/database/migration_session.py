"""The connection that migrations run on, which holds their lock, and retries while things are in use."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
from tortoise.backends.asyncpg.client import TransactionWrapper
from tortoise.connection import get_connection
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

from todo_gql.database.connection import Connection
from todo_gql.database.tortoise_backend import SESSION_SETTINGS, Client

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

# The advisory lock under which migrations run, one process at a time; an arbitrary 64-bit constant.
MIGRATION_LOCK = 0x746F646F_67716C
# A process that waited inside PostgreSQL would hold a snapshot, which CREATE INDEX CONCURRENTLY waits for.
LOCK_POLL_SECONDS = 0.2
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0

SETTINGS = SESSION_SETTINGS | {
    "application_name": "todo_gql migrate",
    "idle_in_transaction_session_timeout": "0",
    # Whoever wants a table that a migration waits for has to wait behind it.
    "lock_timeout": "500ms",
    # The other cores are for the servers.
    "max_parallel_maintenance_workers": "0",
    # A plan for all owners is a bad one for an owner of very many todos.
    "plan_cache_mode": "force_custom_plan",
    "statement_timeout": "0",
}

# The waits before each retry when a table or a row is in use.
BACKOFF_SECONDS = (1, 2, 4, 8, 15, 15, 15)
IN_USE = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


class SessionClient(TransactionWrapper):
    """Tortoise's client for a single connection, whose transactions are begun on the connection itself."""

    def __init__(self, parent: Client, connection: Connection) -> None:
        super().__init__(parent)
        self._connection = connection


@asynccontextmanager
async def migration_session() -> AsyncIterator[tuple[SessionClient, Connection]]:
    """A connection of its own that holds the lock of migrations, and Tortoise's client for it.

    The lock is the session's, so it covers several transactions, and is released when the connection
    is lost: then nothing of this run goes on either. Waits for another process that migrates.
    """
    parent = get_connection("default")
    assert isinstance(parent, Client)
    connection = await asyncpg.connect(
        parent.dsn, timeout=CONNECT_SECONDS, server_settings=SETTINGS
    )
    try:
        await _lock(connection)
        yield SessionClient(parent, connection), connection
    finally:
        await connection.close(timeout=CLOSE_SECONDS)


async def _lock(connection: Connection) -> None:
    is_waiting = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
        if not is_waiting:
            logger.info("Another process migrates; waiting for it.")
        is_waiting = True
        await asyncio.sleep(LOCK_POLL_SECONDS)


async def connection_of(editor: BaseSchemaEditor) -> Connection:
    """The one connection of a migration's client."""
    connection: Connection
    async with editor.client.acquire_connection() as connection:
        return connection


async def retried_while_in_use(
    step: Callable[[], Awaitable[Result]], what: str = "table"
) -> Result:
    """Retry a step that can be repeated while a lock that it needs is held, about a minute long.

    Raises asyncpg's `LockNotAvailableError` when the lock was held at every attempt, and
    `DeadlockDetectedError` for a deadlock at the last.
    """
    for seconds in BACKOFF_SECONDS:
        try:
            return await step()
        except IN_USE:
            logger.warning("A %s is in use; migrating again in %s s.", what, seconds)
        await asyncio.sleep(seconds)
    return await step()
