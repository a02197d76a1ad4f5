"""How uvicorn is to listen: with limits on what is slow or too much, which it has none for."""

from asyncio import TimerHandle, Transport
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from todo_gql.http.security import ALWAYS
from todo_gql.settings import Settings

HEALTH: Final = b"/health"
MAX_HEADER_BYTES: Final = 64 * 1024
# Who is refused while they send may send on for as long and as much, since most clients look for
# an answer only then; all of it is dropped.
LINGER_SECONDS: Final = 2.0
MAX_DROPPED_BYTES: Final = 16 * 1024 * 1024


class Awaited(Enum):
    """What has to arrive next."""

    HEADERS = auto()
    BODY = auto()
    NOTHING = auto()


class LimitedProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with a time limit for headers, and one for bodies.

    A request whose first part is all there when it begins, as almost all are, needs no timer.
    """

    timeout: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._awaited = Awaited.HEADERS
        self._timed: Awaited = Awaited.NOTHING
        self._timer: TimerHandle | None = None
        self._header_bytes = 0
        self._dropped_bytes = 0
        self._lingers = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what has arrived, and wait for what has to follow."""
        if self._lingers:
            self._drop(len(data))
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._awaited is Awaited.HEADERS:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        self._set_timer()

    def on_message_begin(self) -> None:
        """Wait for the headers of a request."""
        self._awaited = Awaited.HEADERS
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait for the body of a request."""
        self._awaited = Awaited.BODY
        self._header_bytes = 0
        # An orchestrator that heard 503 would end the very process that is needed most.
        is_probe = self.url.startswith(HEALTH)
        self.limit_concurrency = None if is_probe else self.config.limit_concurrency
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing while the request is answered."""
        self._awaited = Awaited.NOTHING
        super().on_message_complete()
        if self._lingers:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Go on with the next request, unless the body of this one still arrives.

        A connection that was closed at once would take the answer with it.
        """
        super().on_response_complete()
        if self._awaited is Awaited.BODY and not self.transport.is_closing():
            self._lingers = True
            self.transport.write_eof()
            self._stop_timer()
            self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the protocol of WebSockets, which has timeouts of its own."""
        self._stop_timer()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuse what isn't HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _drop(self, size: int) -> None:
        self._dropped_bytes += size
        if self._dropped_bytes > MAX_DROPPED_BYTES:
            self.flow.pause_reading()

    def _set_timer(self) -> None:
        """Have a timer for what is awaited now, begun when that was first awaited."""
        if self._lingers:
            return
        awaited = self._awaited
        # A line end between two requests is no beginning of one, but stops uvicorn's own timer.
        if awaited is Awaited.NOTHING and self.cycle is not None and self.cycle.response_complete:
            awaited = Awaited.HEADERS
        if awaited is not self._timed:
            self._stop_timer()
            self._timed = awaited
            if awaited is not Awaited.NOTHING:
                self._timer = self.loop.call_later(self.timeout, self._give_up)

    def _stop_timer(self) -> None:
        self._timed = Awaited.NOTHING
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        is_answering = self.cycle is not None and self.cycle.response_started
        if is_answering and not self.cycle.response_complete:
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus, reason: str = "") -> None:
        body = f"{reason or status.phrase}\n".encode()
        headers = (
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *ALWAYS,
        )
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(f"HTTP/1.1 {status} {status.phrase}\r\n".encode() + lines + b"\r\n")
        self.transport.write(body)
        self.transport.close()


def listening_options(settings: Settings) -> dict[str, Any]:
    """What to give uvicorn's configuration."""
    protocol = type("Protocol", (LimitedProtocol,), {"timeout": settings.request_timeout})
    return {
        "http": protocol,
        "limit_concurrency": settings.max_connections,
        # The application itself reads what proxies say, by TRUSTED_PROXIES.
        "proxy_headers": False,
        "server_header": False,
    }
