"""The pool of connections: asyncpg's, with what is in use handed on from one to the next."""

import asyncio
import logging
from collections import deque
from typing import Any, Final, TypeAlias, cast

import asyncpg

from todo_gql.outages import LOST
from todo_gql.telemetry.statements import NotedConnection

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
# PostgreSQL ends each statement after 5 s. Looks are counted, not seconds: a process that was held
# up itself, and finds a timer and an answer when it goes on, has looked but once.
SILENT_LOOKS: Final = 11
END_SECONDS = 1.0

Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy


async def end_what_was_begun(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """End a statement that was given up between its two steps; no more of a session changes here.

    asyncpg first has a statement parsed and then runs it. What is never run holds its locks, and its
    time runs out in the midst of what the connection is used for next.
    """
    await connection.execute("SELECT", timeout=END_SECONDS)


class Pool(asyncpg.Pool):
    """Opens, mends and closes connections as asyncpg does, and lends them at a tenth of the cost.

    A connection that comes back goes straight to whoever waits longest, or is kept at hand. Those
    beyond `min_size` go back to asyncpg, which closes them once they have been idle for long.
    """

    def __init__(
        self, dsn: str, *, min_size: int, max_size: int, timeout: float, **options: Any
    ) -> None:
        super().__init__(
            dsn,
            min_size=min_size,
            max_size=max_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            connection_class=NotedConnection,
            record_class=asyncpg.Record,
            connect=None,
            setup=None,
            init=None,
            reset=end_what_was_begun,
            loop=None,
            timeout=timeout,
            **options,
        )
        self.kept = min_size
        self.limit = max_size
        self.acquire_timeout = timeout
        self.taken = 0
        self.open: set[Connection] = set()
        self.progress: dict[Connection, tuple[int, int]] = {}
        self.returning: set[asyncio.Task[None]] = set()
        self.at_hand: list[Connection] = []
        self.waiters: deque[asyncio.Future[Connection | None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return sum(not waiter.done() for waiter in self.waiters)

    def get_idle_size(self) -> int:
        """How many open connections nobody uses."""
        return super().get_idle_size() + len(self.at_hand)

    def acquire(self, **_options: Any) -> Any:
        """A connection, to be awaited; `TimeoutError` when none is free in time."""
        return self.take()

    async def take(self) -> Connection:
        """A connection; `TimeoutError` when none is free in time."""
        while True:
            if self.at_hand:
                connection = self.at_hand.pop()
            elif self.taken < self.limit:
                return await self._open()
            elif (passed := await self._passed_on()) is not None:
                connection = passed
            else:
                continue
            if _is_good(connection):
                return connection
            await self.return_to_asyncpg(connection)

    async def _open(self) -> Connection:
        self.taken += 1
        try:
            # It never waits there, and has a limit of its own on connecting.
            connection: Connection = await super().acquire()
        except BaseException:
            self._make_room()
            raise
        self.open.add(connection)
        return connection

    async def _passed_on(self) -> Connection | None:
        """What somebody gives back; None where there is room to open a connection instead."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self.waiters.append(waiter)
        timer = loop.call_later(self.acquire_timeout, _expire, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise
        finally:
            timer.cancel()

    def give_back(self, connection: Connection) -> bool:
        """Keep a connection, or pass it on, if it is as good as new; else False."""
        if not _is_good(connection) or not (self.waiters or len(self.at_hand) < self.kept):
            return False
        self._pass_on(connection)
        return True

    def _pass_on(self, connection: Connection | None) -> None:
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is not None:
            self.at_hand.append(connection)

    def _make_room(self) -> None:
        self.taken -= 1
        self._pass_on(None)

    async def release(self, connection: Any, **_options: Any) -> None:
        """Take back a connection."""
        if not self.give_back(connection):
            await self.return_to_asyncpg(connection)

    async def abandon(self, connection: Connection) -> None:
        """Take back a connection in the midst of a statement; whoever used it waits but a second.

        A database that is frozen doesn't end the statement for as long as it is.
        """
        task = asyncio.create_task(self.return_to_asyncpg(connection))
        self.returning.add(task)
        task.add_done_callback(self.returning.discard)
        await asyncio.wait({task}, timeout=END_SECONDS)

    async def discard(self, connection: Connection) -> None:
        """Take back a connection that failed, though it may not know yet that it is closed."""
        if _is_open(connection):
            connection.terminate()
        await self.return_to_asyncpg(connection)

    async def return_to_asyncpg(self, connection: Connection) -> None:
        """Leave it to asyncpg to end what was given up, and to replace what is broken."""
        try:
            if connection.is_in_transaction():
                connection.terminate()
            await super().release(connection)
        except (*LOST, asyncpg.PostgresError, OSError):
            # PostgreSQL has closed it or is silent, and asyncpg has taken it back already.
            pass
        finally:
            self.open.discard(connection)
            self._make_room()

    def close_silent(self) -> None:
        """Close each connection that has the same statement as at the last few looks; this is one.

        A frozen database, or one whose machine is gone, closes none. What is at hand may lead there
        too, and is closed as well rather than tried by one request after the other.
        """
        before, self.progress = self.progress, {}
        silent: list[Connection] = []
        for connection in filter(_is_open, self.open.difference(self.at_hand)):
            # The proxy has all that a connection has.
            sent = cast("NotedConnection", connection).statements_sent
            seen, looks = before.get(connection, (sent, 0))
            self.progress[connection] = sent, looks + 1 if sent == seen else 0
            if self.progress[connection][1] > SILENT_LOOKS:
                silent.append(connection)
        if silent:
            logger.warning("PostgreSQL is silent; connections closed: %d", len(silent))
            for connection in filter(_is_open, (*silent, *self.at_hand)):
                connection.terminate()

    async def close(self) -> None:
        """Close all connections, each once it is given back."""
        self.kept = 0
        while self.at_hand:
            await self.return_to_asyncpg(self.at_hand.pop())
        await super().close()


def _is_open(connection: Connection) -> bool:
    """Whether it can be used; asyncpg takes back by itself what PostgreSQL closed."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False


def _is_good(connection: Connection) -> bool:
    """Whether the next one can use it."""
    return _is_open(connection) and not connection.is_in_transaction()


def _expire(waiter: asyncio.Future[Connection | None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError("No connection is free."))
