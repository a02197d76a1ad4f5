"""uvicorn's protocols, with what long-lived connections need beside them."""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from todo_gql.http.protocol import LimitedProtocol
from todo_gql.settings import Settings

PING_SECONDS = 20.0

# Where in a scope's state a connection stands that can be cut, or told that the server stops.
CONNECTION = "connection"


class HTTPProtocol(LimitedProtocol):
    """Tells an endless answer when the server stops, which else would wait for its end."""

    on_shutdown: Callable[[], None] | None = None

    def _began(self, scope: Any) -> None:
        scope["state"][CONNECTION] = self

    def on_response_complete(self) -> None:
        self.on_shutdown = None
        super().on_response_complete()

    def shutdown(self) -> None:
        super().shutdown()
        if self.on_shutdown:
            self.on_shutdown()

    def cut(self) -> None:
        """Close the connection without sending what the client doesn't read."""
        self.transport.abort()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Can be cut when the client doesn't read, as closing would wait until it does."""

    async def run_asgi(self) -> None:
        self.scope["state"][CONNECTION] = self
        await super().run_asgi()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.cut()

    def cut(self) -> None:
        """Close the connection without sending what the client doesn't read."""
        self.transport.abort()


def protocol_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is to be configured with."""
    own = {"timeout": settings.request_timeout, "heads": {}}
    return {
        "http": type("Protocol", (HTTPProtocol,), own),
        "ws": WebSocketProtocol,
        "ws_max_size": settings.max_body_bytes,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        # Compressing events of a few hundred bytes would take 40 KB for each connection.
        "ws_per_message_deflate": False,
    }
