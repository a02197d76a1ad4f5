"""Errors of PostgreSQL and of the connection to it, and which of them are retried."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import asyncpg
from tortoise.exceptions import DBConnectionError

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class OutcomeUnknown(Exception):
    """The connection was lost during a commit: the write may or may not be stored."""


class OwnerChanged(asyncpg.SerializationError):
    """What a transaction is to write belongs to another owner by now than before the lock: it is run again."""


CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg raises on a connection that PostgreSQL has just closed.
    asyncpg.InternalClientError,
    ConnectionError,
)
"""An open connection was lost."""

TIMEOUTS = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
"""PostgreSQL cancelled a statement that took too long, or waited too long for a lock."""

STALE_STATEMENT = (asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)
"""A prepared statement is refused: its columns' types have changed, or the session lost it."""

OUTAGES = (
    *CONNECTION_LOST,
    *STALE_STATEMENT,
    OutcomeUnknown,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncio.TimeoutError,
    DBConnectionError,
    OSError,
)
"""PostgreSQL is unavailable; the same request may succeed later."""

RETRYABLE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, *STALE_STATEMENT)
"""PostgreSQL rolled a transaction back that may succeed when it is run again."""

# The longest waits before each retry of a transaction.
BACKOFF_SECONDS = (0.02, 0.08, 0.3)


def retried(
    write: Callable[Arguments, Coroutine[Any, Any, Result]],
) -> Callable[Arguments, Coroutine[Any, Any, Result]]:
    """Decorate a function that runs one whole transaction: retry it on RETRYABLE errors.

    At most three retries, with a random backoff of at most BACKOFF_SECONDS; then the error is raised.
    The function must be safe to call again. A lost connection is never retried: only PostgreSQL
    itself can say that nothing was stored.
    """

    @wraps(write)
    async def attempt(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        for longest in BACKOFF_SECONDS:
            try:
                return await write(*args, **kwargs)
            except RETRYABLE as error:
                logger.warning("a transaction is tried again: %s", type(error).__name__)
            # At random, so that transactions in conflict don't meet again.
            await asyncio.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - no secret
        return await write(*args, **kwargs)

    return attempt
