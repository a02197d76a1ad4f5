"""The protocol classes that uvicorn is configured with."""

from collections.abc import Callable
from typing import Any
from weakref import ref

from todo_gql.event_loop.turn_queue import TurnQueue
from todo_gql.http.server_extensions import CONNECTION, SEND_RESPONSE
from todo_gql.server.head_cache import HeadCache
from todo_gql.server.http_protocol import LimitedProtocol
from todo_gql.server.response_cycle import send_response
from todo_gql.server.websocket_protocol import PING_SECONDS, WebSocketProtocol
from todo_gql.settings import Settings


class HTTPProtocol(LimitedProtocol):
    """Calls `on_shutdown` of an endless response when the server stops, so that it ends."""

    on_shutdown: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Shared by the requests of the connection, and no reference back to it.
        self._extensions = {SEND_RESPONSE: send_response, CONNECTION: ref(self)}

    def _complete_scope(self, scope: Any) -> None:
        scope["extensions"] = self._extensions

    def on_response_complete(self, *, is_last: bool = False) -> None:
        self.on_shutdown = None
        super().on_response_complete(is_last=is_last)

    def shutdown(self) -> None:
        super().shutdown()
        if self.on_shutdown:
            self.on_shutdown()

    def abort(self) -> None:
        """Close the connection without sending what the client doesn't read."""
        self.transport.abort()


def listening_options(settings: Settings) -> dict[str, Any]:
    """Uvicorn's options about connections."""
    return {
        "limit_concurrency": settings.max_connections,
        # The application itself reads what proxies say, by TRUSTED_PROXIES.
        "proxy_headers": False,
        "server_header": False,
    }


def protocol_options(settings: Settings) -> dict[str, Any]:
    """Uvicorn's options about protocols."""
    timeout = {"timeout": settings.request_timeout}
    http = timeout | {
        "max_body_bytes": settings.max_body_bytes,
        "head_cache": HeadCache(settings.head_cache_size),
        "pipelined": TurnQueue(),
    }
    socket = timeout | {
        "messages_per_second": settings.socket_messages_per_second,
        "message_burst": settings.socket_message_burst,
    }
    return {
        "http": type("Protocol", (HTTPProtocol,), http),
        "ws": type("WebSocketProtocol", (WebSocketProtocol,), socket),
        "ws_max_size": settings.max_body_bytes,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        # Compressing events of a few hundred bytes would take 40 KB for each connection.
        "ws_per_message_deflate": False,
    }
