"""The pool of connections: asyncpg's, with what is in use handed on from one to the next."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg

from todo_gql.database.fair_queue import Turns
from todo_gql.database.instrumented_connection import NotedConnection
from todo_gql.database.retry import LOST, STALE, OutcomeUnknown
from todo_gql.observability.observation import Caller, Observation, caller_of, current

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
# PostgreSQL ends each statement after 5 s. Looks are counted, not seconds: a process that was held
# up itself, and finds a timer and an answer when it goes on, has looked but once.
SILENT_LOOKS: Final = 11
# The connections that a request was seen to use, all looks together: 10 s of PostgreSQL's time.
MOST_LOOKS: Final = 20
# Who waits is looked at so many times in the time that they may wait.
WAIT_STEPS: Final = 10
END_SECONDS = 1.0


async def end_what_was_begun(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """End a statement that was given up between its two steps; no more of a session changes here.

    asyncpg first has a statement parsed and then runs it. What is never run holds its locks, and its
    time runs out in the midst of what the connection is used for next.
    """
    await connection.execute("SELECT", timeout=END_SECONDS)


class Pool(asyncpg.Pool):
    """Opens, mends and closes connections as asyncpg does, and lends them at a tenth of the cost.

    Each caller has at most `share` of them at a time. A connection that comes back goes straight to
    whoever's turn it is, or is kept at hand. Those beyond `min_size` go back to asyncpg, which closes
    them once they have been idle for long. It lends them as stand-ins, through which each call takes
    longer; they are lent here without.
    """

    def __init__(
        self, dsn: str, *, min_size: int, max_size: int, timeout: float, share: int, **options: Any
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
        self.turns: Turns[NotedConnection | None] = Turns(share)
        self.timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return self.turns.waiting

    def get_idle_size(self) -> int:
        """How many open connections nobody uses."""
        return super().get_idle_size() + len(self.at_hand)

    async def rows(self, statement: str, values: Sequence[object]) -> list[asyncpg.Record]:
        """All rows of a statement, for the length of which it has a connection."""
        # What `take` does first, for the price of a coroutine less.
        request = current.get()
        caller = caller_of(request)
        if self.at_hand and not self.at_hand[-1].is_closed() and self.turns.take(caller):
            connection = self.at_hand.pop()
            connection.caller, connection.request = caller, request
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
        """A connection, to be awaited; errors as those of `take`."""
        return self.take()

    async def take(self) -> NotedConnection:
        """A connection; `TimeoutError` when others have had all of them for too long.

        Who has as many as one may have waits for one of these, however long that takes.
        """
        request = current.get()
        caller = caller_of(request)
        while True:
            if not (self.at_hand or self.taken < self.limit) or not self.turns.take(caller):
                connection = await self._passed_on(caller, request)
            elif self.at_hand:
                connection = self.at_hand.pop()
                connection.caller, connection.request = caller, request
            else:
                self.taken += 1
                return await self._open(caller, request)
            if not connection.is_closed():
                return connection
            await self.return_to_asyncpg(connection)

    async def _open(self, caller: Caller, request: Observation | None) -> NotedConnection:
        """A connection that is new, or new to us, in a place that has been taken for it."""
        try:
            # It never waits there, and has a limit of its own on connecting.
            stand_in: Any = await super().acquire()
        except BaseException:
            self._pass_on(None, caller)
            raise
        connection: NotedConnection = stand_in.itself
        self.stand_ins[connection] = stand_in
        connection.caller, connection.request = caller, request
        return connection

    async def _passed_on(self, caller: Caller, request: Observation | None) -> NotedConnection:
        """What somebody gives back, or one that is opened in the place of one that is gone."""
        loop = asyncio.get_running_loop()
        served: asyncio.Future[NotedConnection | None] = loop.create_future()
        self.turns.wait(caller, served)
        if self.timer is None:
            self._look_after_who_waits(loop)
        try:
            connection = await served
        except asyncio.CancelledError:
            if served.done() and not served.cancelled() and served.exception() is None:
                self._pass_on(served.result(), caller)
            else:
                self.turns.forget(caller, served)
            raise
        if connection is None:
            return await self._open(caller, request)
        connection.caller, connection.request = caller, request
        return connection

    def _look_after_who_waits(self, loop: asyncio.AbstractEventLoop) -> None:
        self.timer = loop.call_later(self.acquire_timeout / WAIT_STEPS, self._look_who_waits)

    def _look_who_waits(self) -> None:
        """Give up those whom others have kept waiting for too long, by a timer that does for all."""
        self.timer = None
        self._give_up(self.turns.kept_waiting(self.acquire_timeout))
        if self.turns.lines:
            self._look_after_who_waits(asyncio.get_running_loop())

    def _give_up(self, those: Iterable[asyncio.Future[NotedConnection | None]]) -> None:
        for served in those:
            if not served.done():
                served.set_exception(TimeoutError("No connection is free."))

    def give_back(self, connection: NotedConnection) -> bool:
        """Keep a connection, or pass it on, if it is as good as new; else False."""
        if connection.is_closed() or connection.is_in_transaction():
            return False
        caller = connection.caller
        assert caller is not None
        if len(self.at_hand) >= self.kept and not self.turns.is_wanted(caller):
            return False
        self._pass_on(connection, caller)
        return True

    def _pass_on(self, connection: NotedConnection | None, caller: Caller) -> None:
        """Let whoever's turn it is have a caller's connection, or the place of one that is gone."""
        turns = self.turns
        turns.leave(caller)
        served = turns.next() if turns.lines else None
        if served is not None:
            served.set_result(connection)
        elif connection is None:
            self.taken -= 1
        else:
            connection.caller = connection.request = None
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
        # Nobody has it from now on, but its place is the caller's until it is back.
        caller, connection.caller, connection.request = connection.caller, None, None
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
            if caller is None:
                self.taken -= 1
            else:
                self._pass_on(None, caller)

    def end_too_long(self) -> None:
        """End each request that was seen to use connections too often; this is one look.

        Sampled, its share of PostgreSQL's time costs no statement anything.
        """
        for connection in filter(_is_open, self.stand_ins):
            request = connection.request
            if request is not None and request.limit is not None:
                request.looks += 1
                if request.looks == MOST_LOOKS:
                    request.limit.end()

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
            self._give_up(self.turns.all_who_wait())

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
