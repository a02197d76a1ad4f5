"""asyncpg's pool, with connections handed over directly from one caller to the next.

Acquiring and releasing a connection costs 2.5 µs, where asyncpg's pool through Tortoise costs 18 to 25
(ADR 20); each caller has a share (ADR 63), and connections to a server that went silent are found. It
costs a subclass that leans on asyncpg's holders, `tests/database/test_pool.py` fails when these change.
`acquire`, `release` and their kin have asyncpg's names and arguments.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg

from todo_gql.database.fair_queue import FairQueue
from todo_gql.database.instrumented_connection import InstrumentedConnection
from todo_gql.database.retry import CONNECTION_LOST, STALE_STATEMENT, OutcomeUnknown
from todo_gql.observability.request_record import Caller, RequestRecord, caller_of, current

logger = logging.getLogger(__name__)

CHECK_SECONDS: Final = 0.5
# Stale after 11 checks, not after 5.5 s: PostgreSQL ends each statement after 5 s, and a process whose
# own event loop was blocked must not blame the server.
STALE_CHECKS: Final = 11
# How many connections a request was seen to use, summed over all checks: 10 s of PostgreSQL's time.
MAX_CHECKS: Final = 20
# How often overdue waiters are looked for within the acquire timeout.
CHECKS_PER_TIMEOUT: Final = 10
RESET_SECONDS = 1.0
UNHEARD_SECONDS: Final = 60.0
"""How long after a connection was terminated its session is looked for; a session without locks may stay longer."""

# A network that falls silent between the messages of one statement leaves its session waiting for the next one, in
# its transaction and with its locks: no timeout of PostgreSQL's is for that. A number may belong to another session
# since, which then began later.
END_UNHEARD: Final = """
WITH unheard AS MATERIALIZED (
    SELECT a.pid FROM unnest($1::int[], $2::float8[]) AS t (pid, seconds)
    JOIN pg_stat_activity a ON a.pid = t.pid
        AND a.backend_start < now() - make_interval(secs => t.seconds)
    WHERE a.usename = current_user AND a.wait_event = 'ClientRead' AND a.xact_start IS NOT NULL
        AND a.state_change < now() - interval '2 seconds'
)
SELECT pid FROM unheard WHERE pg_terminate_backend(pid)
"""


async def complete_unexecuted_statement(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The pool's reset query: completes a statement that was parsed but never executed.

    asyncpg parses a statement first and executes it then. One that is never executed holds its locks,
    and its timeout would end what the connection is used for next. No session state needs resetting,
    since none is ever set.
    """
    await connection.execute("SELECT", timeout=RESET_SECONDS)


class Pool(asyncpg.Pool):
    """Opens, replaces and closes connections as asyncpg does; acquiring one costs a tenth.

    Each caller holds at most `share` connections at a time. A released connection goes straight to
    the next waiter, or to the list of idle ones. Idle ones beyond `min_size` are returned to asyncpg,
    which closes them after 300 s. asyncpg wraps each connection in a proxy, which makes every call
    slower; callers of this pool get the connection itself.
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
            connection_class=InstrumentedConnection,
            record_class=asyncpg.Record,
            connect=None,
            setup=None,
            init=None,
            reset=complete_unexecuted_statement,
            loop=None,
            timeout=timeout,
            **options,
        )
        self.min_idle = min_size
        self.max_open = max_size
        self.acquire_timeout = timeout
        # How many connections of asyncpg's are acquired here, idle ones and those being opened too.
        self.open_count = 0
        self.proxies: dict[InstrumentedConnection, asyncpg.pool.PoolConnectionProxy[Any]] = {}
        self.checks: dict[InstrumentedConnection, tuple[int, int]] = {}
        self.releasing: set[asyncio.Task[None]] = set()
        self.idle: list[InstrumentedConnection] = []
        self.queue: FairQueue[InstrumentedConnection | None] = FairQueue(share)
        self.expiry_timer: asyncio.TimerHandle | None = None
        # When connections were terminated, by the numbers of their sessions.
        self.terminated: dict[int, float] = {}

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return self.queue.waiting

    def get_idle_size(self) -> int:
        """How many open connections nobody uses."""
        return super().get_idle_size() + len(self.idle)

    async def fetch_rows(self, statement: str, values: Sequence[object]) -> list[asyncpg.Record]:
        """All rows of a statement; raises what `acquire` and asyncpg raise."""
        # The first case of `acquire`, at the cost of one coroutine less.
        request = current.get()
        caller = (request and request.caller) or caller_of(request)
        if self.idle and not self.idle[-1].is_closed() and self.queue.acquire(caller):
            connection = self.idle.pop()
            connection.caller, connection.request = caller, request
        else:
            connection = await self._acquire_for(caller, request)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
        except BaseException as error:
            await self.release_after_error(connection, error)
            raise
        if not self.try_release(connection):
            await self.return_to_asyncpg(connection)
        return rows

    async def acquire(self, **_options: Any) -> InstrumentedConnection:  # type: ignore[override]
        """A connection, without asyncpg's proxy.

        A caller who holds their share waits for one of their own, however long that takes. Raises
        `TimeoutError` when others hold all connections for longer than the pool's timeout.
        """
        request = current.get()
        return await self._acquire_for(caller_of(request), request)

    async def _acquire_for(
        self, caller: Caller, request: RequestRecord | None
    ) -> InstrumentedConnection:
        while True:
            if not (self.idle or self.open_count < self.max_open) or not self.queue.acquire(caller):
                connection = await self._wait_for_release(caller, request)
            elif self.idle:
                connection = self.idle.pop()
                connection.caller, connection.request = caller, request
            else:
                self.open_count += 1
                return await self._open(caller, request)
            if not connection.is_closed():
                return connection
            await self.return_to_asyncpg(connection)

    async def _open(self, caller: Caller, request: RequestRecord | None) -> InstrumentedConnection:
        """A connection from asyncpg; `open_count` and the caller's share count it already."""
        try:
            # asyncpg never has to wait here, and connecting has a timeout of its own.
            proxy: Any = await super().acquire()
        except BaseException:
            self._hand_over(None, caller)
            raise
        connection: InstrumentedConnection = proxy.raw
        self.proxies[connection] = proxy
        connection.caller, connection.request = caller, request
        connection.on_terminate = self._note_termination
        return connection

    async def _wait_for_release(
        self, caller: Caller, request: RequestRecord | None
    ) -> InstrumentedConnection:
        """A connection that another task releases, or a new one in place of one that was closed."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[InstrumentedConnection | None] = loop.create_future()
        self.queue.enqueue(caller, waiter)
        if self.expiry_timer is None:
            self._schedule_expiry(loop)
        try:
            connection = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._hand_over(waiter.result(), caller)
            else:
                self.queue.remove(caller, waiter)
            raise
        if connection is None:
            return await self._open(caller, request)
        connection.caller, connection.request = caller, request
        return connection

    def _schedule_expiry(self, loop: asyncio.AbstractEventLoop) -> None:
        self.expiry_timer = loop.call_later(
            self.acquire_timeout / CHECKS_PER_TIMEOUT, self._expire_waiters
        )

    def _expire_waiters(self) -> None:
        """Fail all waiters that are overdue; one timer serves them all."""
        self.expiry_timer = None
        self._fail_waiters(self.queue.remove_overdue(self.acquire_timeout))
        if self.queue.lines:
            self._schedule_expiry(asyncio.get_running_loop())

    def _fail_waiters(
        self, waiters: Iterable[asyncio.Future[InstrumentedConnection | None]]
    ) -> None:
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(TimeoutError("No connection is free."))

    def try_release(self, connection: InstrumentedConnection) -> bool:
        """Hand a connection to the next waiter or to the idle ones; False if asyncpg has to get it.

        asyncpg gets what is closed, in a transaction or more than `min_size`.
        """
        if connection.is_closed() or connection.is_in_transaction():
            return False
        caller = connection.caller
        assert caller is not None
        queue = self.queue
        if len(self.idle) >= self.min_idle and not queue.has_waiter_for(caller):
            return False
        if queue.lines:
            self._hand_over(connection, caller)
        else:
            queue.release(caller)
            connection.caller = connection.request = None
            self.idle.append(connection)
        return True

    def _hand_over(self, connection: InstrumentedConnection | None, caller: Caller) -> None:
        """Pass a connection, or None for the right to open one, from its caller to the next waiter."""
        queue = self.queue
        queue.release(caller)
        waiter = queue.next_waiter() if queue.lines else None
        if waiter is not None:
            waiter.set_result(connection)
        elif connection is None:
            self.open_count -= 1
        else:
            connection.caller = connection.request = None
            self.idle.append(connection)

    async def release(self, connection: Any, **_options: Any) -> None:
        """Release a connection after use."""
        if not self.try_release(connection):
            await self.return_to_asyncpg(connection)

    async def release_after_error(
        self, connection: InstrumentedConnection, error: BaseException
    ) -> None:
        """Release a connection after a block that raised an error."""
        if isinstance(error, (*CONNECTION_LOST, OutcomeUnknown)):
            await self.discard(connection)
        elif isinstance(error, asyncio.CancelledError):
            await self.release_cancelled(connection)
        elif isinstance(error, STALE_STATEMENT):
            # asyncpg drops the prepared statements of all connections, but not if one session lost its own.
            await connection.reload_schema_state()
            await self.release(connection)
        else:
            await self.return_to_asyncpg(connection)

    async def release_cancelled(self, connection: InstrumentedConnection) -> None:
        """Release a connection in the middle of a statement, waiting at most 1 s for that.

        A frozen database doesn't end the statement until it runs again; the release goes on in the
        background.
        """
        task = asyncio.create_task(self.return_to_asyncpg(connection))
        self.releasing.add(task)
        task.add_done_callback(self.releasing.discard)
        await asyncio.wait({task}, timeout=RESET_SECONDS)

    async def discard(self, connection: InstrumentedConnection) -> None:
        """Close and release a connection that failed, even if it doesn't know yet that it is closed."""
        if not connection.is_closed():
            connection.terminate()
        await self.return_to_asyncpg(connection)

    async def return_to_asyncpg(self, connection: InstrumentedConnection) -> None:
        """Return a connection to asyncpg, which resets it, or replaces it if it is broken."""
        proxy = self.proxies[connection]
        # No request uses it from now on, but it counts for the caller until asyncpg has it.
        caller, connection.caller, connection.request = connection.caller, None, None
        try:
            if not connection.is_closed() and connection.is_in_transaction():
                connection.terminate()
            await super().release(proxy)
        except (*CONNECTION_LOST, asyncpg.PostgresError, OSError):
            # PostgreSQL has closed it or doesn't respond, and asyncpg has released it already.
            pass
        finally:
            # It may be acquired again already, with another proxy.
            if self.proxies.get(connection) is proxy:
                del self.proxies[connection]
            if caller is None:
                self.open_count -= 1
            else:
                self._hand_over(None, caller)

    def end_long_requests(self) -> None:
        """End each request that was seen to use connections in MAX_CHECKS checks; this is one check.

        Sampling measures a request's share of PostgreSQL's time at no cost to any statement.
        """
        for connection in filter(_is_open, self.proxies):
            request = connection.request
            if request is not None and request.limit is not None:
                request.pool_checks += 1
                if request.pool_checks == MAX_CHECKS:
                    request.limit.end()

    def close_stale(self) -> None:
        """Close each connection that runs the same statement in over STALE_CHECKS checks; this is one.

        A frozen database, or one whose machine is gone, closes none itself. Idle connections may lead
        there too, so they are closed as well, rather than tried by one request after the other.
        """
        before, self.checks = self.checks, {}
        stale: list[InstrumentedConnection] = []
        for connection in filter(_is_open, self.proxies.keys() - self.idle):
            sent = connection.statements_sent
            sent_before, checks = before.get(connection, (sent, 0))
            self.checks[connection] = sent, checks + 1 if sent == sent_before else 0
            if self.checks[connection][1] > STALE_CHECKS:
                stale.append(connection)
        if stale:
            logger.warning("PostgreSQL is silent; connections closed: %d", len(stale))
            for connection in filter(_is_open, (*stale, *self.idle)):
                connection.terminate()
            self._fail_waiters(self.queue.remove_all())

    def _note_termination(self, connection: InstrumentedConnection) -> None:
        self.terminated[connection.get_server_pid()] = time.monotonic()

    async def end_unheard(self) -> int:
        """End sessions of terminated connections that PostgreSQL still waits for, with their locks.

        Returns their number; raises what `fetch_rows` raises.
        """
        now = time.monotonic()
        ages = {pid: now - at for pid, at in self.terminated.items()}
        ended = await self.fetch_rows(END_UNHEARD, (list(ages), list(ages.values())))
        for pid in {row["pid"] for row in ended} | {
            pid for pid, age in ages.items() if age > UNHEARD_SECONDS
        }:
            self.terminated.pop(pid, None)
        if ended:
            logger.warning("sessions of lost connections ended, with their locks: %d", len(ended))
        return len(ended)

    async def close(self) -> None:
        """Close all connections, each once it is released."""
        self.min_idle = 0
        while self.idle:
            await self.return_to_asyncpg(self.idle.pop())
        await super().close()
        if self.expiry_timer is not None:
            # The timer references the pool, and would keep it alive until it fires.
            self.expiry_timer.cancel()


def _is_open(connection: InstrumentedConnection) -> bool:
    return not connection.is_closed()
