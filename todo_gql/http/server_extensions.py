"""Our server's extensions of ASGI, in a scope's `extensions`; other servers have none of them.

See "Extensions" in https://asgi.readthedocs.io/en/stable/extensions.html. The values refer
to the connection only weakly: a scope that held its connection would be a reference cycle, and stay
in memory until the garbage collector runs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from starlette.types import Scope, Send

SEND_RESPONSE: Final = "todo_gql.http.response"
"""A `SendResponse`, which sends a whole response in one write."""

CONNECTION: Final = "todo_gql.connection"
"""A weak reference to the `Connection` that a request or a WebSocket came on."""

NONE: Final[Mapping[str, Any]] = {}


class SendResponse(Protocol):
    """Sends a whole response."""

    def __call__(self, send: Send, status: int, lines: bytes, body: bytes) -> bool:
        """Send a status, header lines and a body; False if `send` has to be used instead.

        `send` is the one that the application was called with. The lines name the body's length, and
        hold neither Connection nor Transfer-Encoding.
        """
        ...


class Connection(Protocol):
    """The connection of a client."""

    on_shutdown: Callable[[], None] | None
    """Called once when the server stops, for a response that would not end by itself."""

    def abort(self) -> None:
        """Close it at once, without sending what the client doesn't read."""
        ...


def extensions_of(scope: Scope) -> Mapping[str, Any]:
    """The extensions of a scope, which may have none."""
    return scope.get("extensions") or NONE


def connection_of(scope: Scope) -> Connection | None:
    """The connection of a request or a WebSocket; None once it is gone, or on another server."""
    reference = extensions_of(scope).get(CONNECTION)
    connection: Connection | None = reference() if reference else None
    return connection
