"""HTTP pipelining and the closing of connections (RFC 9112, sections 9.3.2 and 9.6)."""

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
from todo_gql.server.write_timeout import WriteTimeout

HEALTH: Final = b"/health"
# On a full server, connections that were unused or incomplete for less than this aren't closed.
UNUSED_GRACE_SECONDS: Final = 1.0
# Who is refused while they send may send on for as long and as much, since most clients check for
# an answer only then; all of it is dropped.
LINGER_SECONDS: Final = 2.0
MAX_DISCARDED_BYTES: Final = 16 * 1024 * 1024


class ReadState(Enum):
    """What the protocol reads next."""

    HEADERS = auto()
    BODY = auto()
    NOTHING = auto()


class PipeliningProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with responses in order and a lingering close.

    A rejected request is answered after the requests before it, and nothing after it is read. A
    connection that closes discards what still arrives (lingering close), since the kernel resets a
    connection that is closed with unread data, and the response would be lost. Clients that don't
    read are disconnected by `WriteTimeout`.
    """

    cycle: Cycle
    pipelined: TurnQueue

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_state = ReadState.HEADERS
        # Bytes of the current part that arrived separately; or bytes that were discarded.
        self._size = 0
        # Whether arriving data is read, or else discarded.
        self._is_reading = True
        # The request that is being answered, and what ends the connection after the last response.
        self._running: Cycle | None = None
        self._on_idle: Callable[[], None] | None = None
        self._linger_timer: TimerHandle | None = None
        self._idle_since: float | None = None
        # When the connection was opened, or its last response was complete.
        self._unused_since = 0.0
        # Since when the rest of a body is awaited.
        self._incomplete_since: float | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Create the write timeout."""
        super().connection_made(transport)
        self._write_timeout = WriteTimeout(transport, self.loop)
        self._unused_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the request that is being answered, which may not be the newest one."""
        self._stop_timers()
        if self._running and not self._running.response_complete:
            self._running.disconnected = True
            self._running.notify()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Let the transport close, which waits until the client has read what was sent.

        A response of known length that has begun is sent to its end before: the client may have
        closed its own side only.
        """
        self._write_timeout.begin()
        cycle = self._running
        if not cycle or cycle.response_complete or not cycle.expected_content_length:
            return False
        cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """Start the write timeout."""
        super().pause_writing()
        self._write_timeout.begin()

    def resume_writing(self) -> None:
        """Restart the write timeout, and continue to send."""
        super().resume_writing()
        self._write_timeout.progress()

    def _begin_response(self, *, keep_alive: bool) -> None:
        """Start to answer a request, or queue it behind those before it."""
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
        # An orchestrator that gets 503 from a health probe would stop this process under load.
        if self.url.startswith(HEALTH) or (len(self.tasks) < limit and self._close_unused()):
            return False
        if self._close_incomplete():
            return False
        self.logger.warning("Exceeded concurrency limit.")
        return True

    def _close_unused(self) -> bool:
        """Close a connection without a request, or with part of a head, so that no client can hold all.

        The choice is arbitrary, so it most likely hits a client that has most of them.
        """
        before = self.loop.time() - UNUSED_GRACE_SECONDS
        for other in self.connections:
            if not isinstance(other, PipeliningProtocol) or other is self:
                continue
            if other.is_unused(before):
                other._close()  # noqa: SLF001 - one of our own
                return True
        return False

    def _close_incomplete(self) -> bool:
        """Close the connection that has waited longest for the rest of a request.

        Of those, it is one of the address with most connections: nobody can hold all connections by
        sending bodies slowly, nor close those of others by opening many. The task that reads the body
        ends with its connection.
        """
        before = self.loop.time() - UNUSED_GRACE_SECONDS
        incomplete = list[tuple[float, PipeliningProtocol]]()
        for other in self.connections:
            if isinstance(other, PipeliningProtocol) and other is not self:
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
        """The loop's time since which the rest of a request is awaited; None if we cause the delay.

        We do while an earlier request on the connection is being answered, and while the application
        doesn't read.
        """
        is_waiting = (
            self._incomplete_since is not None
            and self._running is self.cycle
            and not self.cycle.response_started
            and not self.flow.read_paused
            and not self.transport.is_closing()
        )
        return self._incomplete_since if is_waiting else None

    def is_unused(self, before: float) -> bool:
        """Whether no request was answered since `before`, a time of the loop, or is being answered."""
        is_free = self.cycle is None or self.cycle.response_complete
        return is_free and self._unused_since <= before and not self.transport.is_closing()

    def on_response_complete(self, *, is_last: bool = False) -> None:
        """Continue with the next request, unless the response was the last one on the connection."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._write_timeout.begin()
            return
        if is_last:
            self._linger()
            return
        if self.pipeline:
            # Nothing more is read while other requests wait.
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
        """Start to answer the next request, unless the connection was closed meanwhile."""
        if not self.pipeline or self.transport.is_closing():
            return
        self._running, app = self.pipeline.pop()  # type: ignore[assignment]  # all are ours
        self._start_asgi_task(self._running, app)  # type: ignore[arg-type]
        if not self.pipeline:
            # The unread data may contain the rest of this request.
            self._resume_reading()

    def _resume_reading(self) -> None:
        """Read the data that had to wait until the requests before it were answered."""

    def _set_keep_alive_timer(self, seconds: float) -> None:
        check = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, check)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for the keep-alive timeout."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._set_keep_alive_timer(left)
        else:
            self._close()

    def _refuse(self, status: HTTPStatus, reason: str = "") -> None:
        """Answer the request that is being read with an error, in its turn, and read nothing more."""
        cycle = self.cycle
        if self._read_state is ReadState.BODY and not cycle.response_complete:
            if self.pipeline:
                self.pipeline.popleft()
            elif cycle.response_started:
                # Its response has already announced that the connection closes.
                self._is_reading = False
                return
            else:
                cycle.disconnected = True
                cycle.notify()
                self._running = None
        self._after_responses(partial(self._send_error, status, reason or status.phrase))

    def _after_responses(self, ending: Callable[[], None]) -> None:
        """Call `ending`, which ends HTTP on the connection, once all earlier requests are answered."""
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
        """Half-close the connection, and discard what arrives until the client closes it too."""
        self._is_reading = False
        self._size = 0
        if self.cycle is not None:
            # Nobody reads the body of a rejected request.
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
        self._write_timeout.begin()

    def _stop_timers(self) -> None:
        self._write_timeout.stop()
        for timer in (self._linger_timer, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()


def _address(connection: Any) -> str | None:
    """The IP address of the client at the other end; None for a Unix socket."""
    return connection.client[0] if connection.client else None
