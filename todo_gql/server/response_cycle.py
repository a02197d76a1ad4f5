"""One request and its response on a connection: uvicorn's, with a fast path for most responses.

The fast path saves 6.3 of 32 µs for `{ __typename }`, without a network (ADR 25). It costs a class
that leans on the attributes of uvicorn's `RequestResponseCycle`; `tests/server/test_response_framing.py`
fails when these change. The application asks for it by the extension `SEND_RESPONSE`
(http/server_extensions.py), and sends ASGI's messages on any other server.
"""

import asyncio
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, ClassVar, Final

from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from todo_gql.http.headers import LINE_END, Pairs, lines_of

# A control character in a header line could split it (response splitting).
CONTROL_CHARACTERS: Final = bytes([*range(9), *range(10, 32), 127])
# Responses with these headers or statuses are framed by uvicorn (RFC 9112, section 6).
UNUSUAL_HEADERS: Final = frozenset({b"connection", b"transfer-encoding"})
WITHOUT_BODY: Final = frozenset({204, 304})


class Cycle(RequestResponseCycle):
    """Writes the head and the body of most responses in one write.

    The head is held back until the first part of the body. uvicorn, which sends all other responses,
    checks each header by itself and writes twice, which takes 5 µs more.
    """

    # Header names that uvicorn has found valid; none of them comes from a client.
    _valid_names: ClassVar[set[bytes]] = set()
    # The server's default headers, which change once a second, and their lines.
    _default_lines: ClassVar[tuple[Pairs, bytes]] = ([], b"")

    # The state in which each request begins.
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    _notified = False
    _head: Any = None

    def __init__(
        self,
        protocol: Any,
        scope: Any,
        *,
        keep_alive: bool,
        expect_100_continue: bool,
        on_response: Callable[[], None],
    ) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expect_100_continue
        self.on_response = on_response
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.access_logger = protocol.access_logger
        self.access_log = protocol.access_log
        self.default_headers = protocol.server_state.default_headers
        self.body = bytearray()

    @cached_property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]  # as uvicorn uses it
        """Set by `notify`. Created only when awaited: most requests are complete before that."""
        event = asyncio.Event()
        if self._notified:
            event.set()
            self._notified = False
        return event

    def notify(self) -> None:
        """Wake the task that waits for more of the request, or for its end."""
        if "message_event" in self.__dict__:
            self.message_event.set()
        else:
            self._notified = True

    async def send(self, message: Any) -> None:
        """Send the head of a response, or the next part of its body."""
        # Until something is written, a response that failed can be replaced.
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        if self._head is None:
            await super().send(message)
            return
        head, self._head = self._head, None
        if not self._send_whole(head, message):
            # The rest of the request will not be read.
            self.keep_alive = self.keep_alive and not self.more_body
            await super().send(head)
            self._close_by_connection()
            await super().send(message)
            names = {name for name, _ in [*self.default_headers, *head.get("headers", ())]}
            self._valid_names.update(filter(bytes.islower, names - UNUSUAL_HEADERS))

    def _close_by_connection(self) -> None:
        """Have the protocol close the connection: uvicorn would, with data unread."""
        if not self.keep_alive:
            self.keep_alive = True
            self.on_response = partial(self.on_response, is_last=True)

    def send_response(self, status: int, lines: bytes, body: bytes) -> bool:
        """Send a whole response; False if uvicorn has to send it, and nothing was sent.

        The header lines are valid, name the body's length, and hold none of UNUSUAL_HEADERS.
        """
        if (
            self.response_started
            or self.more_body
            or self.flow.write_paused
            or self.disconnected
            or self.access_log
            or not self.keep_alive
            or self.scope["method"] == "HEAD"
            or status in WITHOUT_BODY
        ):
            return False
        default = self.default_headers
        if default:
            if default is not self._default_lines[0]:
                if not UNUSUAL_HEADERS.isdisjoint(dict(default)):
                    return False
                Cycle._default_lines = default, lines_of(default)
            lines = self._default_lines[1] + lines
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[status], lines, LINE_END, body)))
        self.notify()
        self.on_response()
        return True

    def _send_whole(self, head: Any, message: Any) -> bool:
        """Send a whole response of known length; False if nothing was sent."""
        body, pairs = message.get("body", b""), [*head.get("headers", ())]
        headers = dict(pairs)
        if (
            message.get("more_body")
            or headers.get(b"content-length") != b"%d" % len(body)
            or not self._valid_names.issuperset(headers)
        ):
            return False
        lines = lines_of(pairs)
        printable = lines.translate(None, CONTROL_CHARACTERS)
        if len(lines) - len(printable) != len(LINE_END) * len(pairs):
            return False
        return self.send_response(head["status"], lines, body)

    async def receive(self) -> Any:
        """The next `http.request` or `http.disconnect` message."""
        if (
            self.more_body
            or self.disconnected
            or self.response_complete
            or self.waiting_for_100_continue
            or not self._notified
        ):
            return await super().receive()
        # The whole body has arrived: there is nothing to wait for, and no event to create.
        self._notified = False
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}


def send_response(send: Send, status: int, lines: bytes, body: bytes) -> bool:
    """`SendResponse` of http/server_extensions; False where middleware has wrapped `send`."""
    cycle = getattr(send, "__self__", None)
    return isinstance(cycle, Cycle) and cycle.send_response(status, lines, body)
