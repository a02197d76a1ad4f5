"""The pool of connections: asyncpg's, with what is in use handed on from one to the next."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import asyncpg

from todo_gql.outages import LOST, STALE, OutcomeUnknown
from todo_gql.telemetry.statements import NotedConnection

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
# PostgreSQL ends each statement after 5 s. Looks are counted, not seconds: a process that was held
# up itself, and finds a timer and an answer when it goes on, has looked but once.
SILENT_LOOKS: Final = 11
END_SECONDS = 1.0


async def end_what_was_begun(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """End a statement that was given up between its two steps; no more of a session changes here.

    asyncpg first has a statement parsed and then runs it. What is never run holds its locks, and its
    time runs out in the midst of what the connection is used for next.
    """
    await connection.execute("SELECT", timeout=END_SECONDS)


class _Waiter(NamedTuple):
    """One who waits for a connection, and until when."""

    due: float
    served: asyncio.Future[NotedConnection | None]


class Pool(asyncpg.Pool):
    """Opens, mends and closes connections as asyncpg does, and lends them at a tenth of the cost.

    A connection that comes back goes straight to whoever waits longest, or is kept at hand. Those
    beyond `min_size` go back to asyncpg, which closes them once they have been idle for long. It
    lends them as stand-ins, through which each call takes longer; they are lent here without.
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
        self.stand_ins: dict[NotedConnection, asyncpg.pool.PoolConnectionProxy[Any]] = {}
        self.progress: dict[NotedConnection, tuple[int, int]] = {}
        self.returning: set[asyncio.Task[None]] = set()
        self.at_hand: list[NotedConnection] = []
        self.waiters: deque[_Waiter] = deque()
        self.timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return sum(not waiter.served.done() for waiter in self.waiters)

    def get_idle_size(self) -> int:
        """How many open connections nobody uses."""
        return super().get_idle_size() + len(self.at_hand)

    async def rows(self, statement: str, values: Sequence[object]) -> list[asyncpg.Record]:
        """All rows of a statement, for the length of which it has a connection."""
        # What `take` does first, for the price of a coroutine less.
        if self.at_hand and not self.at_hand[-1].is_closed():
            connection = self.at_hand.pop()
        else:
            connection = await self.take()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
        except BaseException as error:
            await self.take_back(connection, error)
            raise
        if not self.give_back(connection):
            await self.return_to_asyncpg(connection)
        return rows

    def acquire(self, **_options: Any) -> Any:
        """A connection, to be awaited; `TimeoutError` when none is free in time."""
        return self.take()

    async def take(self) -> NotedConnection:
        """A connection; `TimeoutError` when none is free in time."""
        while True:
            if self.at_hand:
                connection = self.at_hand.pop()
            elif self.taken < self.limit:
                self.taken += 1
                return await self._open()
            elif (passed := await self._passed_on()) is not None:
                connection = passed
            else:
                return await self._open()
            if not connection.is_closed():
                return connection
            await self.return_to_asyncpg(connection)

    async def _open(self) -> NotedConnection:
        """A connection that is new, or new to us, in a place that has been taken for it."""
        try:
            # It never waits there, and has a limit of its own on connecting.
            stand_in: Any = await super().acquire()
        except BaseException:
            self._pass_on(None)
            raise
        connection: NotedConnection = stand_in.itself
        self.stand_ins[connection] = stand_in
        return connection

    async def _passed_on(self) -> NotedConnection | None:
        """What somebody gives back; None for a place in which to open a connection instead."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop.time() + self.acquire_timeout, loop.create_future())
        self.waiters.append(waiter)
        if self.timer is None:
            self.timer = loop.call_at(waiter.due, self._tell_who_waits_too_long)
        served = waiter.served
        try:
            return await served
        except asyncio.CancelledError:
            if served.done() and not served.cancelled() and served.exception() is None:
                self._pass_on(served.result())
            raise

    def _tell_who_waits_too_long(self) -> None:
        """Give up those whose time is over, by a timer that does for all: they come in order."""
        loop, self.timer = asyncio.get_running_loop(), None
        while self.waiters:
            due, served = self.waiters[0]
            if due > loop.time() and not served.done():
                self.timer = loop.call_at(due, self._tell_who_waits_too_long)
                return
            self.waiters.popleft()
            if not served.done():
                served.set_exception(TimeoutError("No connection is free."))

    def give_back(self, connection: NotedConnection) -> bool:
        """Keep a connection, or pass it on, if it is as good as new; else False."""
        if connection.is_closed() or connection.is_in_transaction():
            return False
        if not self.waiters and len(self.at_hand) >= self.kept:
            return False
        self._pass_on(connection)
        return True

    def _pass_on(self, connection: NotedConnection | None) -> None:
        """Let whoever waits longest have a connection, or the place of one that is gone."""
        while self.waiters:
            served = self.waiters.popleft().served
            if not served.done():
                served.set_result(connection)
                return
        if connection is None:
            self.taken -= 1
        else:
            self.at_hand.append(connection)

    async def release(self, connection: Any, **_options: Any) -> None:
        """Take back a connection."""
        if not self.give_back(connection):
            await self.return_to_asyncpg(connection)

    async def take_back(self, connection: NotedConnection, error: BaseException) -> None:
        """Take back a connection from a block that has raised an error."""
        if isinstance(error, (*LOST, OutcomeUnknown)):
            await self.discard(connection)
        elif isinstance(error, asyncio.CancelledError):
            await self.abandon(connection)
        elif isinstance(error, STALE):
            # asyncpg drops what all connections have prepared, but not where a session lost it.
            await connection.reload_schema_state()
            await self.release(connection)
        else:
            await self.return_to_asyncpg(connection)

    async def abandon(self, connection: NotedConnection) -> None:
        """Take back a connection in the midst of a statement; whoever used it waits but a second.

        A database that is frozen doesn't end the statement for as long as it is.
        """
        task = asyncio.create_task(self.return_to_asyncpg(connection))
        self.returning.add(task)
        task.add_done_callback(self.returning.discard)
        await asyncio.wait({task}, timeout=END_SECONDS)

    async def discard(self, connection: NotedConnection) -> None:
        """Take back a connection that failed, though it may not know yet that it is closed."""
        if not connection.is_closed():
            connection.terminate()
        await self.return_to_asyncpg(connection)

    async def return_to_asyncpg(self, connection: NotedConnection) -> None:
        """Leave it to asyncpg to end what was given up, and to replace what is broken."""
        stand_in = self.stand_ins[connection]
        try:
            if not connection.is_closed() and connection.is_in_transaction():
                connection.terminate()
            await super().release(stand_in)
        except (*LOST, asyncpg.PostgresError, OSError):
            # PostgreSQL has closed it or is silent, and asyncpg has taken it back already.
            pass
        finally:
            # Somebody may have it already, by another stand-in.
            if self.stand_ins.get(connection) is stand_in:
                del self.stand_ins[connection]
            self._pass_on(None)

    def close_silent(self) -> None:
        """Close each connection that has the same statement as at the last few looks; this is one.

        A frozen database, or one whose machine is gone, closes none. What is at hand may lead there
        too, and is closed as well rather than tried by one request after the other.
        """
        before, self.progress = self.progress, {}
        silent: list[NotedConnection] = []
        for connection in filter(_is_open, self.stand_ins.keys() - self.at_hand):
            sent = connection.statements_sent
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
        if self.timer is not None:
            # It would keep the pool until it is due.
            self.timer.cancel()


def _is_open(connection: NotedConnection) -> bool:
    return not connection.is_closed()
