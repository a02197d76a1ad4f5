"""One request and its answer on a connection: uvicorn's, but for what most have in common."""

import asyncio
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, ClassVar, Final

from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from todo_gql.http.headers import LINE_END, Pairs, lines_of

# One in a header would make two lines of it, or none.
CONTROL_CHARACTERS: Final = bytes([*range(9), *range(10, 32), 127])
# With these, or these statuses, a connection or an answer ends otherwise than most.
UNUSUAL_HEADERS: Final = frozenset({b"connection", b"transfer-encoding"})
WITHOUT_BODY: Final = frozenset({204, 304})


class Cycle(RequestResponseCycle):
    """Writes the head of an answer and its body at once, where nothing about them is unusual.

    So the head is held back until a body comes. uvicorn, to which all else is left, looks at each
    header by itself and writes twice, which takes 5 µs more.
    """

    # Names of headers that uvicorn has found good; none of them comes from a client.
    _good_names: ClassVar[set[bytes]] = set()
    # The server's own headers, which are new once a second, and their lines.
    _own_lines: ClassVar[tuple[Pairs, bytes]] = ([], b"")

    # How each request begins.
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    _has_news = False
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
        """What is waited for until there is news; most requests are all there before anybody asks."""
        event = asyncio.Event()
        if self._has_news:
            event.set()
            self._has_news = False
        return event

    def tell(self) -> None:
        """Wake who waits for more of the request, or for its end."""
        if "message_event" in self.__dict__:
            self.message_event.set()
        else:
            self._has_news = True

    async def send(self, message: Any) -> None:
        """Send the head of an answer, or the next part of its body."""
        # What failed before anything was written can still begin anew.
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        if self._head is None:
            await super().send(message)
            return
        head, self._head = self._head, None
        if not self._send_whole(head, message):
            # What still comes of the request is not going to be read.
            self.keep_alive = self.keep_alive and not self.more_body
            await super().send(head)
            self._leave_the_end_to_the_connection()
            await super().send(message)
            names = {name for name, _ in [*self.default_headers, *head.get("headers", ())]}
            self._good_names.update(filter(bytes.islower, names - UNUSUAL_HEADERS))

    def _leave_the_end_to_the_connection(self) -> None:
        """Have the connection closed by itself, as uvicorn doesn't look whether anything comes."""
        if not self.keep_alive:
            self.keep_alive = True
            self.on_response = partial(self.on_response, is_last=True)

    def send_response(self, status: int, lines: bytes, body: bytes) -> bool:
        """Send a whole answer with these lines of headers, unless anything about it is unusual.

        The lines are good, name the body's length, and none of them is unusual.
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
            if default is not self._own_lines[0]:
                if not UNUSUAL_HEADERS.isdisjoint(dict(default)):
                    return False
                Cycle._own_lines = default, lines_of(default)
            lines = self._own_lines[1] + lines
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[status], lines, LINE_END, body)))
        self.tell()
        self.on_response()
        return True

    def _send_whole(self, head: Any, message: Any) -> bool:
        """Send all of an answer that comes whole and whose length is known, or none of it."""
        body, pairs = message.get("body", b""), [*head.get("headers", ())]
        headers = dict(pairs)
        if (
            message.get("more_body")
            or headers.get(b"content-length") != b"%d" % len(body)
            or not self._good_names.issuperset(headers)
        ):
            return False
        lines = lines_of(pairs)
        printable = lines.translate(None, CONTROL_CHARACTERS)
        if len(lines) - len(printable) != len(LINE_END) * len(pairs):
            return False
        return self.send_response(head["status"], lines, body)

    def take_body(self) -> bytes | None:
        """The whole body of the request, if it is there and nobody has asked for it."""
        if (
            self.more_body
            or self.disconnected
            or self.response_complete
            or self.waiting_for_100_continue
            or not self._has_news
        ):
            return None
        self._has_news = False
        body, self.body = bytes(self.body), bytearray()
        return body

    async def receive(self) -> Any:
        """What has come of the request, in most cases all of it."""
        body = self.take_body()
        if body is None:
            return await super().receive()
        return {"type": "http.request", "body": body, "more_body": False}


def send_response(send: Send, status: int, lines: bytes, body: bytes) -> bool:
    """`SendResponse` of http/server_extensions; False where middleware has wrapped `send`."""
    cycle = getattr(send, "__self__", None)
    return isinstance(cycle, Cycle) and cycle.send_response(status, lines, body)


def take_body(receive: Receive) -> bytes | None:
    """`TakeBody` of http/server_extensions; None where middleware has wrapped `receive`."""
    cycle = getattr(receive, "__self__", None)
    return cycle.take_body() if isinstance(cycle, Cycle) else None
