"""How uvicorn is to speak WebSocket: with a time limit for whatever it would wait for."""

from asyncio import TimerHandle
from asyncio.transports import BaseTransport
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from todo_gql.http.unread import Unread

PING_SECONDS: Final = 20.0
# How long the other end may take to close, once there is nobody here any more who listens.
CLOSING_SECONDS: Final = 5.0

# Where in a scope's state a connection stands that can be cut, or told that the server stops.
CONNECTION: Final = "connection"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Ends whatever the client does, or doesn't do.

    Until the handshake is complete there is a timer, then pings, which have to be answered, and
    another timer once it closes. It can be cut when the client doesn't read, as closing would wait
    until it does.
    """

    timeout: float
    timer: TimerHandle

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the handshake, and for the application to take it."""
        super().connection_made(transport)
        self.unread = Unread(self.transport, self.loop)
        self.early = b""
        self._cut_in(self.timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self.timer.cancel()
        self.unread.stop()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """Close the connection, which waits until what was sent is read."""
        self._cut_in(CLOSING_SECONDS)

    def pause_writing(self) -> None:
        """Wait until what was sent is read; until then, nobody is answered."""
        super().pause_writing()
        self.transport.pause_reading()
        self.unread.begin()

    def resume_writing(self) -> None:
        """Go on sending, and reading unless the application has enough to do."""
        super().resume_writing()
        self.unread.progress()
        if not self.read_paused:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take in what has arrived; frames that come before the handshake is answered wait."""
        if self.handshake_initiated and not self.handshake_complete:
            self.early += data
            self.transport.pause_reading()
            return
        super().data_received(data)

    def start_keepalive(self) -> None:
        """Begin to ask whether the other end lives, as the handshake is complete."""
        super().start_keepalive()
        self.timer.cancel()
        if self.early:
            self.transport.resume_reading()
            super().data_received(self.early)
            self.early = b""

    async def run_asgi(self) -> None:
        self.scope["state"][CONNECTION] = self
        serve = self.app

        async def answered(scope: Any, receive: Any, send: Any) -> None:
            await serve(scope, receive, send)
            if self.initial_response is not None or self.disconnected:
                # To uvicorn a refusal, and a client that went before it was answered, would be
                # an error of ours.
                self.handshake_complete = True

        self.app = answered
        await super().run_asgi()
        if not self.disconnected:
            self._cut_in(CLOSING_SECONDS)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.cut()

    def cut(self) -> None:
        """Close the connection without sending what the client doesn't read."""
        self.transport.abort()

    def _cut_in(self, seconds: float) -> None:
        if "timer" in self.__dict__:
            self.timer.cancel()
        self.timer = self.loop.call_later(seconds, self.cut)
