"""What goes wrong on the way to PostgreSQL, and what may be done once more."""

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
    """The connection was lost while a write was being stored, which is done now or isn't."""


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg says of a connection on which PostgreSQL has just said goodbye.
    asyncpg.InternalClientError,
    ConnectionError,
)
"""A connection that was there is gone."""

TIMEOUTS = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
"""PostgreSQL has given up a statement that took too long."""

STALE = (asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)
"""A prepared statement is refused: its columns have other types now, or the session lost it."""

OUTAGES = (
    *LOST,
    *STALE,
    OutcomeUnknown,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncio.TimeoutError,
    DBConnectionError,
    OSError,
)
"""PostgreSQL can't be used now; the same may succeed later."""

UNDONE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, *STALE)
"""A transaction was undone, though nothing is wrong with it: for another, or for a new schema."""

# The longest waits before a transaction is tried again, in seconds.
PAUSES = (0.02, 0.08, 0.3)


def retried(
    write: Callable[Arguments, Coroutine[Any, Any, Result]],
) -> Callable[Arguments, Coroutine[Any, Any, Result]]:
    """Have the whole of a transaction done anew when PostgreSQL has undone it, at most three times.

    For what can be called again as if it had never been called. A connection that is lost never
    leads to another try: only PostgreSQL itself can say that nothing was stored.
    """

    @wraps(write)
    async def tries(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        for longest in PAUSES:
            try:
                return await write(*args, **kwargs)
            except UNDONE as error:
                logger.warning("a transaction is tried again: %s", type(error).__name__)
            # Those that were in each other's way aren't to meet again.
            await asyncio.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - no secret
        return await write(*args, **kwargs)

    return tries
