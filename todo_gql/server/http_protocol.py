"""HTTP/1.1 (RFC 9112) with the limits on time and size that uvicorn lacks."""

from asyncio import TimerHandle, Transport
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from todo_gql.server.head_cache import END_OF_HEAD, QUERY_MARK, SECRET_URLS, HeadCache
from todo_gql.server.pipelining import PipeliningProtocol, ReadState
from todo_gql.server.upgrades import (
    announces_body,
    handshake,
    is_handshake,
    rejection,
    without_upgrade,
)
from todo_gql.storage.links import FILES_PATH

MAX_HEADER_BYTES: Final = 64 * 1024
# A path is decoded for every request; a query string, which may be a document, only where it is used.
MAX_PATH_BYTES: Final = 8 * 1024
# Browsers and proxies send some thirty.
MAX_HEADERS: Final = 200
# A body may be this many times its content, with chunk sizes and trailers.
MAX_CHUNKED_OVERHEAD: Final = 8
# The largest file that any link allows, whose exact size the application checks; and how slowly it may
# arrive: 4 KiB a second.
UPLOADS: Final = FILES_PATH.encode()
MAX_UPLOAD_BYTES: Final = 32 * 1024 * 1024
MIN_UPLOAD_BYTES_PER_SECOND: Final = 4 * 1024
# After so many misses in a row a connection stores no more heads: each has an id, for example.
MAX_CACHE_MISSES: Final = 8
VERSIONS: Final = frozenset({"1.1", "1.0"})
# The bytes that are parsed at a time, and the requests that may wait on a connection before parsing
# pauses: a segment of 256 KiB may contain fourteen thousand requests.
READ_BYTES: Final = 2048
MAX_PIPELINED: Final = 100
SPACES: Final = b" \t"
# Headers that are checked before a request is processed.
CHECKED_HEADERS: Final = frozenset(
    {b"connection", b"expect", b"host", b"proxy-connection", b"transfer-encoding"}
)
INVALID: Final = "Invalid HTTP request received."


class Refused(Exception):
    """A request that the parser accepts and that is rejected, with this status."""


class LimitedProtocol(PipeliningProtocol):
    """uvicorn's HTTP protocol, with time limits for the headers and the body of a request.

    A request that arrives complete, as almost all do, needs no timer. The keep-alive timer isn't set
    again for each request, which takes 1 µs: when it fires, it checks whether it is due. A head with
    the same bytes as an earlier one isn't parsed again if its request arrives complete and alone.
    """

    timeout: float
    max_body_bytes: int
    head_cache: HeadCache

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timed_state: ReadState = ReadState.NOTHING
        self._timer: TimerHandle | None = None
        self._has_host = False
        self._cache_misses = 0
        # Whether the body is a file, and how much of it had arrived when the timer was set.
        self._is_upload = False
        self._counted_size = 0
        # Data behind MAX_PIPELINED requests, not parsed yet.
        self._postponed = b""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Start the timer for the first request's headers."""
        super().connection_made(transport)
        self._set_timer()

    def data_received(self, data: bytes) -> None:
        """Parse data that has arrived, and set the timer for what has to follow."""
        if not self._is_reading:
            self._discard(len(data))
            return
        if self._postponed:
            self._postponed += data
            return
        is_between = self._is_between_requests()
        if is_between and self._begin_cached(data):
            return
        self._idle_since = None
        awaited, cycle = self._read_state, self.cycle
        self._read(data)
        if not self._is_reading:
            self._stop_timer()
            return
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and self._read_state is ReadState.NOTHING:
            if is_between and self._cache_misses < MAX_CACHE_MISSES:
                self._cache_misses += self.head_cache.store(data, self.url, self.cycle)
            if self._timed_state is ReadState.NOTHING:
                return
        if self.cycle is cycle and (awaited is self._read_state or awaited is ReadState.NOTHING):
            self._check_size(len(data))
        else:
            self._set_timer()

    def _resume_reading(self) -> None:
        """Parse the postponed data, now that no request waits."""
        if self._postponed:
            data, self._postponed = self._postponed, b""
            self.data_received(data)

    def _is_between_requests(self) -> bool:
        """Whether the next byte starts a request, and none is being answered or waits."""
        if self.cycle is None:
            return self._size == 0
        return (
            self.cycle.response_complete
            and self._read_state is self._timed_state is ReadState.NOTHING
        )

    def _begin_cached(self, data: bytes) -> bool:
        """Start to answer a request with a cached head; False unless the data is exactly one such request."""
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        head = self.head_cache.get(data[:end])
        if head is None or len(data) - end != head.body_length:
            return False
        self._cache_misses = 0
        self._idle_since = None
        self._read_state = ReadState.NOTHING
        if self._timed_state is not ReadState.NOTHING:
            self._stop_timer()
        self.expect_100_continue = False
        self.url = head.url
        self.scope = scope = head.scope.copy()  # type: ignore[assignment]  # a dict for uvicorn, too
        scope["client"] = self.client
        scope["server"] = self.server
        scope["scheme"] = self.scheme
        scope["state"] = self.app_state.copy()
        self._complete_scope(scope)
        self._begin_response(keep_alive=True)
        self.cycle.body += data[end:]
        self.cycle.more_body = False
        self.cycle.notify()
        return True

    def _read(self, data: bytes) -> None:
        """Feed the parser, and continue where it stops at an upgrade."""
        parts: list[bytes | memoryview] = [data]
        while parts and self._is_reading:
            if len(self.pipeline) >= MAX_PIPELINED:
                self._postponed = b"".join(reversed(parts))
                return
            part = parts.pop()
            if len(part) > READ_BYTES:
                parts.append(memoryview(part)[READ_BYTES:])
                part = memoryview(part)[:READ_BYTES]
            try:
                self.parser.feed_data(part)
            except HttpParserUpgrade as upgrade:
                behind = b"".join([memoryview(part)[upgrade.args[0] :], *reversed(parts)])
                parts = self._upgrade_requested(behind)
            except HttpParserError as error:
                cause = error.__context__
                if isinstance(cause, Refused):
                    self._refuse(cause.args[0])
                else:
                    self.logger.warning(INVALID)
                    self._refuse(HTTPStatus.BAD_REQUEST, INVALID)

    def _upgrade_requested(self, rest: bytes) -> list[bytes | memoryview]:
        """Switch to WebSocket; for any other upgrade, return the data to parse instead."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if not is_handshake(method, version, self.headers):
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            return [rest, without_upgrade(method, self.url, version, self.headers)]
        if announces_body(self.headers):
            self._refuse(
                HTTPStatus.BAD_REQUEST, "The handshake of a WebSocket must not have a body."
            )
        elif self._is_full():
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._after_responses(partial(self._hand_over, rest))
        return []

    def _hand_over(self, rest: bytes) -> None:
        """Hand the connection over to the WebSocket protocol, which has timers of its own."""
        _, path, query = _target(self.url)
        head = handshake(b"?".join([path, query]).rstrip(b"?"), self.headers)
        if answer := rejection(head):
            self._end_with(answer)
            return
        protocol = self.ws_protocol_class(  # type: ignore[misc, call-arg]  # there always is one
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        self._stop_timers()
        self.connections.discard(self)
        self.parser = None  # type: ignore[assignment]  # as uvicorn has it when all is over
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(head)
        if rest:
            protocol.data_received(rest)

    def on_message_begin(self) -> None:
        """Start a request; its headers follow."""
        self._read_state = ReadState.HEADERS
        self._size = 0
        self._has_host = False
        super().on_message_begin()
        self._complete_scope(self.scope)

    def _complete_scope(self, scope: Any) -> None:
        """Complete the scope of a request."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, without trailing spaces, which the parser leaves; raises Refused."""
        name, value = name.lower(), value.rstrip(SPACES)
        if name in CHECKED_HEADERS:
            self._check_header(name, value)
        if len(self.headers) >= MAX_HEADERS:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self.headers.append((name, value))

    def _check_header(self, name: bytes, value: bytes) -> None:
        """Apply a header; raises Refused if another server could interpret it differently.

        There may be one Host (RFC 9112, section 3.2), and no transfer coding but chunked (section
        6.1). None of these may be a trailer (RFC 9110, section 6.5.1): the parser would apply it.
        """
        if self._read_state is ReadState.BODY:
            raise Refused(HTTPStatus.BAD_REQUEST)
        if name == b"host":
            if self._has_host:
                raise Refused(HTTPStatus.BAD_REQUEST)
            self._has_host = True
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            raise Refused(HTTPStatus.NOT_IMPLEMENTED)

    def on_headers_complete(self) -> None:
        """Start to answer a request, whose body follows; raises Refused.

        As in uvicorn, but with our cycle, and health probes are answered on a full server too. An
        upgrade waits until it is decided.
        """
        scope, parser, url = self.scope, self.parser, self.url
        is_to_wait = parser.should_upgrade()
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = http_version = parser.get_http_version()
        if http_version not in VERSIONS:
            raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        if is_to_wait and scope["method"] == "CONNECT":
            raise Refused(HTTPStatus.NOT_IMPLEMENTED)
        is_unique = QUERY_MARK in url or url.startswith(SECRET_URLS)
        path, raw_path, query = (_target if is_unique else _cached_target)(url)
        if is_to_wait:
            return
        scope["path"] = self.root_path + path
        scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        scope["query_string"] = query
        # Trailers are not headers.
        self.headers = []
        self._read_state = ReadState.BODY
        self._size = self._counted_size = 0
        self._is_upload = scope["method"] == "PUT" and url.startswith(UPLOADS)
        self._begin_response(keep_alive=http_version != "1.0" and parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        """Add a part of a body; uvicorn creates an event for each request, which few wait for."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.notify()

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self.parser.should_upgrade():
            return
        self._read_state = ReadState.NOTHING
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.notify()

    def _check_size(self, size: int) -> None:
        """Count bytes that arrived separately; reject headers or a body that are too large."""
        self._size += size
        is_body = self._read_state is ReadState.BODY
        more = 0
        if is_body:
            longest = MAX_UPLOAD_BYTES if self._is_upload else self.max_body_bytes
            more = MAX_CHUNKED_OVERHEAD * longest
        if self._size <= MAX_HEADER_BYTES + more:
            self._set_timer()
            return
        self._stop_timer()
        too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        self._refuse(too_large if is_body else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _set_timer(self) -> None:
        """Set the timer for what is awaited now, unless it is running."""
        awaited = self._read_state
        # A line end between two requests starts none, but stops uvicorn's own timer.
        if awaited is ReadState.NOTHING and self.cycle is not None and self.cycle.response_complete:
            awaited = ReadState.HEADERS
        if awaited is not self._timed_state:
            self._stop_timer()
            self._timed_state = awaited
            if awaited is not ReadState.NOTHING:
                self._timer = self.loop.call_later(self.timeout, self._on_timeout)
            if awaited is ReadState.BODY:
                self._incomplete_since = self.loop.time()

    def _stop_timer(self) -> None:
        self._timed_state = ReadState.NOTHING
        self._incomplete_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_timers(self) -> None:
        super()._stop_timers()
        self._stop_timer()

    def _on_timeout(self) -> None:
        self._stop_timer()
        if self.flow.read_paused or (self._is_uploading() and self._has_progressed()):
            # The rest is delayed by our own flow control, or a long body is on its way.
            self._set_timer()
        elif self._is_reading:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _is_uploading(self) -> bool:
        return self._is_upload and self._read_state is ReadState.BODY

    def _has_progressed(self) -> bool:
        """Whether enough of an upload has arrived since this was asked the last time."""
        arrived, self._counted_size = self._size - self._counted_size, self._size
        return arrived >= MIN_UPLOAD_BYTES_PER_SECOND * self.timeout


def _target(url: bytes) -> tuple[str, bytes, bytes]:
    """The decoded path of a request target, the raw path, and the query string.

    Raises Refused for a path of more than MAX_PATH_BYTES.
    """
    parsed = parse_url(url)
    if len(parsed.path) > MAX_PATH_BYTES:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


# Most requests are for one path.
_cached_target = lru_cache(maxsize=16)(_target)
