"""How uvicorn is to listen: with limits on what is slow or too much, which it has none for."""

from asyncio import TimerHandle, Transport
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import unquote

from httptools import parse_url
from starlette.types import Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from todo_gql.http.cycle import LINE_END, Cycle, lines_of
from todo_gql.http.headers import headers_of
from todo_gql.http.security import ALWAYS
from todo_gql.settings import Settings

HEALTH: Final = b"/health"
MAX_HEADER_BYTES: Final = 64 * 1024
# Who is refused while they send may send on for as long and as much, since most clients look for
# an answer only then; all of it is dropped.
LINGER_SECONDS: Final = 2.0
MAX_DROPPED_BYTES: Final = 16 * 1024 * 1024
MARK_OF_QUERY: Final = b"?"
END_OF_HEAD: Final = b"\r\n\r\n"
HEADS_KEPT: Final = 1024
LONGEST_HEAD_KEPT: Final = 2048
# A pair takes some 170 bytes, however short it is.
MOST_HEADERS_KEPT: Final = 50
# A connection whose heads are never the same, as where each has an id, isn't to keep any more.
MOST_KEPT_IN_VAIN: Final = 8
# What differs between requests with the same head.
OF_A_CONNECTION: Final = frozenset({"client", "server", "scheme", "state"})


class Awaited(Enum):
    """What has to arrive next."""

    HEADERS = auto()
    BODY = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request that was read, with what it says: the length of what follows, too."""

    scope: dict[str, Any]
    url: bytes
    body_length: int


class LimitedProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with a time limit for headers, and one for bodies.

    A request that is all there when it begins, as almost all are, needs no timer; and the one
    between requests isn't set anew for each, which takes 1 µs, but looks whether it is due.
    A head that has come before, byte by byte, isn't read again, as long as the request comes in one
    piece and alone.
    """

    timeout: float
    heads: dict[bytes, Head]
    cycle: Cycle

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._awaited = Awaited.HEADERS
        self._timed: Awaited = Awaited.NOTHING
        self._timer: TimerHandle | None = None
        self._header_bytes = 0
        self._dropped_bytes = 0
        self._lingers = False
        self._idle_since: float | None = None
        self._kept_in_vain = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what has arrived, and wait for what has to follow."""
        if self._lingers:
            self._drop(len(data))
        is_between = self._is_between_requests()
        if is_between and self._is_read_already(data):
            return
        super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and self._awaited is Awaited.NOTHING:
            if is_between and self._kept_in_vain < MOST_KEPT_IN_VAIN:
                self._keep_head(data)
            if self._timed is Awaited.NOTHING:
                return
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._awaited is Awaited.HEADERS:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        self._set_timer()

    def _is_between_requests(self) -> bool:
        """Whether the next byte is the first of a request, and none is answered or waits."""
        if self.cycle is None:
            return self._header_bytes == 0
        return self.cycle.response_complete and self._awaited is self._timed is Awaited.NOTHING

    def _is_read_already(self, data: bytes) -> bool:
        """Begin to answer a request whose head is known, if it is one, and nothing else came."""
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        head = self.heads.get(data[:end])
        if head is None or len(data) - end != head.body_length:
            return False
        self._kept_in_vain = 0
        self._idle_since = None
        self._awaited = Awaited.NOTHING
        if self._timed is not Awaited.NOTHING:
            self._stop_timer()
        self.expect_100_continue = False
        self.url = head.url
        self.scope = scope = head.scope.copy()  # type: ignore[assignment]  # a dict for uvicorn, too
        scope["client"] = self.client
        scope["server"] = self.server
        scope["scheme"] = self.scheme
        scope["state"] = self.app_state.copy()
        self._began(scope)
        self._answer(keep_alive=True)
        self.cycle.body += data[end:]
        self.cycle.more_body = False
        self.cycle.tell()
        return True

    def _keep_head(self, data: bytes) -> None:
        """Keep the head of a request that was read from its first byte, if it was all that came.

        What is read of the same bytes is the same, if the length of the body is among them. A query
        may hold what is secret: variables, or the token of a link in a mail.
        """
        cycle = self.cycle
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        body_length = len(data) - end
        headers = headers_of(cast("Scope", cycle.scope))
        if (
            end > LONGEST_HEAD_KEPT
            or len(self.headers) > MOST_HEADERS_KEPT
            or MARK_OF_QUERY in self.url
            or body_length > HIGH_WATER_LIMIT
            or len(cycle.body) != body_length
            or headers.get(b"content-length", b"0") != b"%d" % body_length
            or b"transfer-encoding" in headers
            or not cycle.keep_alive
            or cycle.waiting_for_100_continue
            or self.parser.should_upgrade()
        ):
            return
        self._kept_in_vain += 1
        if len(self.heads) >= HEADS_KEPT:
            del self.heads[next(iter(self.heads))]
        scope = {name: of for name, of in cycle.scope.items() if name not in OF_A_CONNECTION}
        self.heads[data[:end]] = Head(scope, self.url, body_length)

    def on_message_begin(self) -> None:
        """Wait for the headers of a request."""
        self._awaited = Awaited.HEADERS
        super().on_message_begin()
        self._began(self.scope)

    def _began(self, scope: Any) -> None:
        """Complete the scope of a request."""

    def on_headers_complete(self) -> None:
        """Wait for the body of a request, and begin to answer it.

        That is what uvicorn does, but for the cycle of ours and that health is always told.
        """
        self._awaited = Awaited.BODY
        self._header_bytes = 0
        scope, parser = self.scope, self.parser
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = http_version = parser.get_http_version()
        if self._is_left_to_another():
            return
        url = self.url
        path, raw_path, query = (_target if MARK_OF_QUERY in url else _kept_target)(url)
        scope["path"] = self.root_path + path
        scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        scope["query_string"] = query
        self._answer(keep_alive=http_version != "1.0" and parser.should_keep_alive())

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
            self._start_asgi_task(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def _is_full(self) -> bool:
        limit = self.limit_concurrency
        if limit is None or max(len(self.connections), len(self.tasks)) < limit:
            return False
        # An orchestrator that heard 503 would end the very process that is needed most.
        if self.url.startswith(HEALTH):
            return False
        self.logger.warning("Exceeded concurrency limit.")
        return True

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body; uvicorn's own has an event for each, that few wait for."""
        cycle = self.cycle
        if self._is_left_to_another() or cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.tell()

    def _is_left_to_another(self) -> bool:
        """Whether the connection is about to be another protocol's."""
        return bool(self.parser.should_upgrade()) and self._should_upgrade()

    def on_message_complete(self) -> None:
        """Wait for nothing while the request is answered."""
        self._awaited = Awaited.NOTHING
        if not self._is_left_to_another() and not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.tell()
        if self._lingers:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Go on with the next request, unless the body of this one still arrives.

        A connection that was closed at once would take the answer with it.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again(self.timeout_keep_alive)
        if self._awaited is Awaited.BODY:
            self._lingers = True
            self.transport.write_eof()
            self._stop_timer()
            self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _look_again(self, seconds: float) -> None:
        look = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, look)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle for as long as it may."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_again(left)
        else:
            super().timeout_keep_alive_handler()

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
        line = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
        self.transport.write(line + lines_of(headers) + LINE_END)
        self.transport.write(body)
        self.transport.close()


def _target(url: bytes) -> tuple[str, bytes, bytes]:
    """The path that a request is for, as text and as it was sent, and the query string."""
    parsed = parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


# Most requests are for one path.
_kept_target = lru_cache(maxsize=16)(_target)


def listening_options(settings: Settings) -> dict[str, Any]:
    """What to give uvicorn's configuration."""
    return {
        "limit_concurrency": settings.max_connections,
        # The application itself reads what proxies say, by TRUSTED_PROXIES.
        "proxy_headers": False,
        "server_header": False,
    }
