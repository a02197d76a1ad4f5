"""uvicorn's WebSocket protocol (RFC 6455), with the limits on time and on messages that it lacks."""

from asyncio import TimerHandle
from asyncio.transports import BaseTransport
from typing import Any, Final
from weakref import ref

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.protocol import Event, State

from todo_gql.http.server_extensions import CONNECTION
from todo_gql.server.token_bucket import TokenBucket
from todo_gql.server.write_timeout import WriteTimeout

PING_SECONDS: Final = 20.0
# How long the client may take to close the connection once the application has ended.
CLOSING_SECONDS: Final = 5.0
# The bytes that are read before their frames are counted: a client's frame has at least 6.
COUNTED_BYTES: Final = 1024
# A long frame counts as one more message for each of these, since it takes time to read.
MESSAGE_BYTES: Final = 16 * 1024
# A client that sends too much has this long to read the reason; what it sends is discarded.
REFUSED_SECONDS: Final = 1.0
MAX_DISCARDED_BYTES: Final = 1024 * 1024
TOO_MANY: Final = "You send more than {} messages a second: send fewer, and open a new connection."


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Ends in bounded time, whatever the client does.

    A timer limits the handshake, unanswered pings end an open connection, and another timer limits
    the closing. `abort` doesn't wait for a client that doesn't read, as closing would.
    """

    timeout: float
    messages_per_second: int
    message_burst: int
    timer: TimerHandle

    def connection_made(self, transport: BaseTransport) -> None:
        """Start the timer for the handshake, until the application accepts it."""
        super().connection_made(transport)
        self.write_timeout = WriteTimeout(self.transport, self.loop)
        self.early = b""
        self.token_bucket = TokenBucket(
            self.messages_per_second, self.message_burst, self.loop.time
        )
        self.is_refused = False
        self.discarded = 0
        self._abort_in(self.timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self.timer.cancel()
        self.write_timeout.stop()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """Let the connection close, in limited time."""
        self._abort_in(CLOSING_SECONDS)

    def pause_writing(self) -> None:
        """Start the write timeout, and read nothing until the client has read."""
        super().pause_writing()
        self.transport.pause_reading()
        self.write_timeout.begin()

    def resume_writing(self) -> None:
        """Continue to send, and to read unless the application is busy."""
        super().resume_writing()
        self.write_timeout.progress()
        if not self.read_paused:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Read data; frames that arrive before the handshake is answered wait."""
        if self.is_refused:
            self._discard(len(data))
        elif self.handshake_initiated and not self.handshake_complete:
            self.early += data
            self.transport.pause_reading()
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Read in small pieces, so that few frames are handled between two checks of the limit."""
        for start in range(0, len(data), COUNTED_BYTES):
            super().data_received(data[start : start + COUNTED_BYTES])
            if self.is_refused or self.transport.is_closing():
                return

    def handle_events(self) -> None:
        """Handle the frames that were read, of any kind, if they are within the limit on messages."""
        if self.token_bucket.allows(sum(map(_weight, self.conn.events))):
            super().handle_events()
        else:
            self._refuse()

    def _refuse(self) -> None:
        """Close the connection of a client that sends too much, and let it read the reason."""
        reason = TOO_MANY.format(self.messages_per_second)
        self.logger.info("a WebSocket is closed with %d: %s", CloseCode.POLICY_VIOLATION, reason)
        self.stop_keepalive()
        self.is_refused = self.disconnected = self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.POLICY_VIOLATION})
        # Wake a task that waits to send; it notices that the client has disconnected.
        self.writable.set()
        # A connection that is being closed already has its reason.
        if self.conn.state is State.OPEN:
            self.conn.send_close(CloseCode.POLICY_VIOLATION, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(REFUSED_SECONDS, self._close_transport)

    def _discard(self, size: int) -> None:
        self.discarded += size
        if self.discarded > MAX_DISCARDED_BYTES:
            self.transport.pause_reading()

    def _close_transport(self) -> None:
        self.transport.close()
        self.write_timeout.begin()

    def start_keepalive(self) -> None:
        """Start to send pings, now that the handshake is complete."""
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

        async def handshake_completing(scope: Any, receive: Any, send: Any) -> None:
            await serve(scope, receive, send)
            if self.initial_response is not None or self.disconnected:
                # uvicorn would log a rejected handshake, or a client that disconnected before its
                # response, as an error of the application.
                self.handshake_complete = True

        self.app = handshake_completing
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
    """The number of messages that an event counts as: one, and more for a long frame."""
    return 1 + (len(event.data) // MESSAGE_BYTES if isinstance(event, Frame) else 0)
