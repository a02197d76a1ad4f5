"""How uvicorn is to speak WebSocket: with a time limit for whatever it would wait for.

And with a limit on what it is sent, which it has none for either.
"""

from asyncio import TimerHandle
from asyncio.transports import BaseTransport
from typing import Any, Final
from weakref import ref

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.protocol import Event, State

from todo_gql.http.server_extensions import CONNECTION
from todo_gql.server.token_bucket import Pace
from todo_gql.server.write_timeout import Unread

PING_SECONDS: Final = 20.0
# How long the other end may take to close, once there is nobody here any more who listens.
CLOSING_SECONDS: Final = 5.0
# How much is read before the frames in it are counted: a client's have 6 bytes at least.
COUNTED_BYTES: Final = 1024
# A frame counts once more for as many bytes, which take time to be read.
BYTES_OF_A_MESSAGE: Final = 16 * 1024
# Whoever is refused for sending too much may read why, and what they send meanwhile is discarded.
REFUSED_SECONDS: Final = 1.0
MAX_DISCARDED_BYTES: Final = 1024 * 1024
TOO_MANY: Final = "You send more than {} messages a second: send fewer, and open a new connection."


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Ends whatever the client does, or doesn't do.

    Until the handshake is complete there is a timer, then pings, which have to be answered, and
    another timer once it closes. It can be aborted when the client doesn't read, as closing would wait
    until it does.
    """

    timeout: float
    messages_per_second: int
    message_burst: int
    timer: TimerHandle

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the handshake, and for the application to take it."""
        super().connection_made(transport)
        self.unread = Unread(self.transport, self.loop)
        self.early = b""
        self.pace = Pace(self.messages_per_second, self.message_burst, self.loop.time)
        self.is_refused = False
        self.discarded = 0
        self._abort_in(self.timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self.timer.cancel()
        self.unread.stop()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """Close the connection, which waits until what was sent is read."""
        self._abort_in(CLOSING_SECONDS)

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
        if self.is_refused:
            self._discard(len(data))
        elif self.handshake_initiated and not self.handshake_complete:
            self.early += data
            self.transport.pause_reading()
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Read as much at a time as can't hold many frames, of which each is answered for itself."""
        for start in range(0, len(data), COUNTED_BYTES):
            super().data_received(data[start : start + COUNTED_BYTES])
            if self.is_refused or self.transport.is_closing():
                return

    def handle_events(self) -> None:
        """Handle what was read: frames of whatever kind, none of which is free, and long ones less so."""
        if self.pace.allows(sum(map(_weight, self.conn.events))):
            super().handle_events()
        else:
            self._refuse()

    def _refuse(self) -> None:
        """Close the connection, as what it is sent is too much, and wait until that is read."""
        reason = TOO_MANY.format(self.messages_per_second)
        self.logger.info("a WebSocket is closed with %d: %s", CloseCode.POLICY_VIOLATION, reason)
        self.stop_keepalive()
        self.is_refused = self.disconnected = self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.POLICY_VIOLATION})
        # Who waits until more can be sent hears that nobody is there any more.
        self.writable.set()
        # Whoever is being closed already, for another reason, is sent no other one.
        if self.conn.state is State.OPEN:
            self.conn.send_close(CloseCode.POLICY_VIOLATION, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(REFUSED_SECONDS, self._leave)

    def _discard(self, size: int) -> None:
        self.discarded += size
        if self.discarded > MAX_DISCARDED_BYTES:
            self.transport.pause_reading()

    def _leave(self) -> None:
        self.transport.close()
        self.unread.begin()

    def start_keepalive(self) -> None:
        """Begin to ask whether the other end lives, as the handshake is complete."""
        super().start_keepalive()
        self.timer.cancel()
        if self.early:
            self.transport.resume_reading()
            early, self.early = self.early, b""
            self._read(early)

    async def run_asgi(self) -> None:
        extensions: Any = self.scope["extensions"]
        extensions[CONNECTION] = ref(self)
        serve = self.app

        async def answered(scope: Any, receive: Any, send: Any) -> None:
            await serve(scope, receive, send)
            if self.initial_response is not None or self.disconnected:
                # To uvicorn a refusal, and a client that went before it was answered, would be
                # an error of ours.
                self.handshake_complete = True

        self.app = answered
        await super().run_asgi()
        self.app = serve
        if not self.disconnected:
            self._abort_in(CLOSING_SECONDS)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.abort()

    def abort(self) -> None:
        """Close the connection without sending what the client doesn't read."""
        self.transport.abort()

    def _abort_in(self, seconds: float) -> None:
        if "timer" in self.__dict__:
            self.timer.cancel()
        self.timer = self.loop.call_later(seconds, self.abort)


def _weight(event: Event) -> int:
    """How many messages a frame counts as; and the request of a handshake as one."""
    return 1 + (len(event.data) // BYTES_OF_A_MESSAGE if isinstance(event, Frame) else 0)
