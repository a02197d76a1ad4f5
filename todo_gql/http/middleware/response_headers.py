"""Adds the headers that every response has."""

from collections.abc import Awaitable
from time import perf_counter
from typing import Final

from starlette.types import Message, Scope, Send

from todo_gql.http.middleware.security_headers import SecurityHeaders
from todo_gql.http.server_extensions import SEND_RESPONSE, SendResponse, extensions_of

REQUEST_LINES: Final = b"x-request-id: %b\r\nx-response-time: %.2fms\r\n"


class SendWithHeaders:
    """`send` of one request: adds its response's common headers, and records the status.

    `varies` is whether the response would differ with an Origin header.
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
        """Seconds since the request began."""
        return perf_counter() - self._started

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send an ASGI message."""
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
            # Else a cache could reuse this response for a request that has an Origin.
            headers.append((b"vary", b"Origin"))
        return self._send(message)

    def send_response(self, scope: Scope, status: int, lines: bytes, body: bytes) -> bool:
        """Send a whole response of data if the server offers that; False if nothing was sent.

        `lines` are the response's own header lines; none of them is a common header.
        """
        send: SendResponse | None = extensions_of(scope).get(SEND_RESPONSE)
        if send is None:
            return False
        lines += self._security.lines
        lines += REQUEST_LINES % (self.request_id.encode(), self.seconds() * 1000)
        if self._varies:
            lines += b"vary: Origin\r\n"
        if not send(self._send, status, lines, body):
            return False
        self.status = status
        return True
