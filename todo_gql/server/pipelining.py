"""The orderly part of HTTP: each request is answered in its turn, and a connection ends after that."""

from asyncio import TimerHandle, Transport
from collections import Counter
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from todo_gql.event_loop.turn_queue import TurnQueue
from todo_gql.http.headers import LINE_END, lines_of
from todo_gql.http.middleware.security_headers import ALWAYS
from todo_gql.server.response_cycle import Cycle
from todo_gql.server.write_timeout import Unread

HEALTH: Final = b"/health"
# A connection without a request is left alone for as long where the server is full.
SPARED_SECONDS: Final = 1.0
# Who is refused while they send may send on for as long and as much, since most clients look for
# an answer only then; all of it is dropped.
LINGER_SECONDS: Final = 2.0
MAX_DISCARDED_BYTES: Final = 16 * 1024 * 1024


class ReadState(Enum):
    """What has to arrive next."""

    HEADERS = auto()
    BODY = auto()
    NOTHING = auto()


class OrderlyProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but for how its connections end.

    What is refused gets its answer after all that was asked before, and nothing that comes after it
    is read. A connection that ends lingers: what still comes is dropped, since closing with anything
    unread would take the answer along. Nobody is waited for who doesn't read.
    """

    cycle: Cycle
    pipelined: TurnQueue

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_state = ReadState.HEADERS
        # How much of it has come, as far as it came by itself; or how much was dropped.
        self._size = 0
        # Whether what comes is read, or else dropped.
        self._is_reading = True
        # Whose answer is under way, and what ends the connection after the last one.
        self._running: Cycle | None = None
        self._on_idle: Callable[[], None] | None = None
        self._linger_timer: TimerHandle | None = None
        self._idle_since: float | None = None
        # When it was opened, or its last answer was complete.
        self._unused_since = 0.0
        # Since when the rest of a body is awaited.
        self._incomplete_since: float | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin with nothing unread."""
        super().connection_made(transport)
        self._unread = Unread(transport, self.loop)
        self._unused_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who answers, though others asked after that one."""
        self._stop_timers()
        if self._running and not self._running.response_complete:
            self._running.disconnected = True
            self._running.notify()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """Close the connection, which waits until what was sent is read."""
        self._unread.begin()

    def pause_writing(self) -> None:
        """Wait until what was sent is read."""
        super().pause_writing()
        self._unread.begin()

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        self._unread.progress()

    def _answer(self, *, keep_alive: bool) -> None:
        """Begin to answer a request, or have it wait for those before it."""
        is_free = self.cycle is None or self.cycle.response_complete
        self.cycle = Cycle(
            self,
            self.scope,
            keep_alive=keep_alive,
            expect_100_continue=self.expect_100_continue,
            on_response=self.on_response_complete,
        )
        app = service_unavailable if self._is_full() else self.app
        if is_free:
            self._running = self.cycle
            self._start_asgi_task(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def _is_full(self) -> bool:
        limit = self.limit_concurrency
        if limit is None or max(len(self.connections), len(self.tasks)) < limit:
            return False
        # An orchestrator that heard 503 would end the very process that is needed most.
        if self.url.startswith(HEALTH) or (len(self.tasks) < limit and self._close_unused()):
            return False
        if self._close_incomplete():
            return False
        self.logger.warning("Exceeded concurrency limit.")
        return True

    def _close_unused(self) -> bool:
        """Close any connection that has no request, or only a part of a head, so that nobody can hold all.

        Which one is left to chance: it is most likely one of those who have most of them.
        """
        before = self.loop.time() - SPARED_SECONDS
        for other in self.connections:
            if not isinstance(other, OrderlyProtocol) or other is self:
                continue
            if other.is_unused(before):
                other._close()  # noqa: SLF001 - one of our own
                return True
        return False

    def _close_incomplete(self) -> bool:
        """Close the connection that has waited longest for the rest of a request.

        It is one of the client address that has most connections of those that wait for any. Nobody
        can hold all connections by bodies that are sent slowly, nor close those of others by opening
        many. With the connection ends the task that reads the body.
        """
        before = self.loop.time() - SPARED_SECONDS
        incomplete = list[tuple[float, OrderlyProtocol]]()
        for other in self.connections:
            if isinstance(other, OrderlyProtocol) and other is not self:
                since = other.incomplete_since()
                if since is not None and since <= before:
                    incomplete.append((since, other))
        if not incomplete:
            return False
        held = Counter(_address(other) for other in self.connections)
        _, longest = min(incomplete, key=lambda each: (-held[_address(each[1])], each[0]))
        longest._close()  # noqa: SLF001 - one of our own
        return True

    def incomplete_since(self) -> float | None:
        """Since when the rest of a request is awaited; None if that isn't the client's fault.

        Another request on the connection may be answered still, and what the application doesn't
        read waits for us.
        """
        is_waited_for = (
            self._incomplete_since is not None
            and self._running is self.cycle
            and not self.cycle.response_started
            and not self.flow.read_paused
            and not self.transport.is_closing()
        )
        return self._incomplete_since if is_waited_for else None

    def is_unused(self, before: float) -> bool:
        """Whether no request is being answered, and none was since that time of the loop."""
        is_free = self.cycle is None or self.cycle.response_complete
        return is_free and self._unused_since <= before and not self.transport.is_closing()

    def on_response_complete(self, *, is_last: bool = False) -> None:
        """Go on with the next request, unless the answer said that it `is_last`."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._unread.begin()
            return
        if is_last:
            self._linger()
            return
        if self.pipeline:
            # As long as others wait, nothing more is read.
            self.pipelined.wait(self._begin_next, self.loop)
            return
        self.flow.resume_reading()
        if self._on_idle is not None:
            self._on_idle()
            return
        self._idle_since = self._unused_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._set_keep_alive_timer(self.timeout_keep_alive)

    def _begin_next(self) -> None:
        """Begin to answer the next request, unless the connection has ended meanwhile."""
        if not self.pipeline or self.transport.is_closing():
            return
        self._running, app = self.pipeline.pop()  # type: ignore[assignment]  # all are ours
        self._start_asgi_task(self._running, app)  # type: ignore[arg-type]
        if not self.pipeline:
            # The rest of this very request may be among it.
            self._resume_reading()

    def _resume_reading(self) -> None:
        """Read what came already, and had to wait until those before it were answered."""

    def _set_keep_alive_timer(self, seconds: float) -> None:
        look = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, look)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle for as long as it may."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._set_keep_alive_timer(left)
        else:
            self._close()

    def _refuse(self, status: HTTPStatus, reason: str = "") -> None:
        """Answer with this what is being read, in its turn, and read nothing more."""
        cycle = self.cycle
        if self._read_state is ReadState.BODY and not cycle.response_complete:
            if self.pipeline:
                self.pipeline.popleft()
            elif cycle.response_started:
                # It has said already that the connection ends with it.
                self._is_reading = False
                return
            else:
                cycle.disconnected = True
                cycle.notify()
                self._running = None
        self._after_responses(partial(self._send_error, status, reason or status.phrase))

    def _after_responses(self, ending: Callable[[], None]) -> None:
        """Do what ends HTTP on the connection once all is answered that was asked before."""
        self._is_reading = False
        is_free = self._running is None or self._running.response_complete
        if is_free and not self.pipeline:
            ending()
        else:
            self._on_idle = ending

    def _send_error(self, status: HTTPStatus, reason: str) -> None:
        body = f"{reason}\n".encode()
        headers = (
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *ALWAYS,
        )
        line = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
        self._end_with(b"".join((line, lines_of(headers), LINE_END, body)))

    def _end_with(self, answer: bytes) -> None:
        self.transport.write(answer)
        self._linger()

    def _linger(self) -> None:
        """Say that nothing more comes, and drop what does until the other end says so too."""
        self._is_reading = False
        self._size = 0
        if self.cycle is not None:
            # Nobody reads what has come of a request that was refused.
            self.cycle.body = bytearray()
        self.pipeline.clear()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._linger_timer = self.loop.call_later(LINGER_SECONDS, self._close)

    def _discard(self, size: int) -> None:
        self._size += size
        if self._size > MAX_DISCARDED_BYTES:
            self.flow.pause_reading()

    def _close(self) -> None:
        self.transport.close()
        self._unread.begin()

    def _stop_timers(self) -> None:
        self._unread.stop()
        for timer in (self._linger_timer, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()


def _address(connection: Any) -> str | None:
    """The IP address of the client at the other end; None for a Unix socket."""
    return connection.client[0] if connection.client else None
