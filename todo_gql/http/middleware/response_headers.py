"""Sends an answer together with the headers that every answer has."""

from collections.abc import Awaitable
from time import perf_counter
from typing import Final

from starlette.types import Message, Scope, Send

from todo_gql.http.middleware.security_headers import SecurityHeaders
from todo_gql.http.server_extensions import SEND_RESPONSE, SendResponse, extensions_of

MARKS: Final = b"x-request-id: %b\r\nx-response-time: %.2fms\r\n"


class Sender:
    """`send` of one request: marks its answer with an id and a time, and knows its status.

    `varies` is whether a request with an Origin would have another answer.
    """

    __slots__ = ("_security", "_send", "_started", "_varies", "request_id", "status")

    def __init__(
        self, send: Send, security: SecurityHeaders, request_id: str, *, varies: bool
    ) -> None:
        self._started = perf_counter()
        self._send = send
        self._security = security
        self._varies = varies
        self.request_id = request_id
        self.status: int | None = None

    def seconds(self) -> float:
        """How long the request has taken so far."""
        return perf_counter() - self._started

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send a message, as ASGI has it."""
        if message["type"] != "http.response.start":
            return self._send(message)
        self.status = message["status"]
        own = message.get("headers", ())
        message["headers"] = headers = [
            *own,
            *self._security.missing(own),
            (b"x-request-id", self.request_id.encode()),
            (b"x-response-time", b"%.2fms" % (self.seconds() * 1000)),
        ]
        if self._varies:
            # Else a cache could give this answer to a request that does have an Origin.
            headers.append((b"vary", b"Origin"))
        return self._send(message)

    def send_response(self, scope: Scope, status: int, lines: bytes, body: bytes) -> bool:
        """Send a whole response of data if the server offers that; False if nothing was sent.

        `lines` are the answer's own headers, of which none is one that every answer has.
        """
        send: SendResponse | None = extensions_of(scope).get(SEND_RESPONSE)
        if send is None:
            return False
        lines += self._security.lines
        lines += MARKS % (self.request_id.encode(), self.seconds() * 1000)
        if self._varies:
            lines += b"vary: Origin\r\n"
        if not send(self._send, status, lines, body):
            return False
        self.status = status
        return True
