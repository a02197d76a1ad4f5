"""The client's address and scheme, also behind proxies."""

from collections.abc import Iterable
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


async def _scope_alone(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """The app that uvicorn's middleware calls with the scope that it has changed."""


class ProxyHeaders:
    """Sets the client's address and scheme from X-Forwarded-For and -Proto of trusted proxies.

    X-Forwarded-For is read from its end: the last address that isn't a trusted proxy's is the
    client's, whatever stands before it.
    """

    def __init__(self, trusted: Iterable[object]) -> None:
        # uvicorn's types of ASGI are narrower than Starlette's.
        untyped: Any = _scope_alone
        middleware: Any = ProxyHeadersMiddleware(untyped, [str(network) for network in trusted])
        self._middleware = middleware

    async def apply(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the client and the scheme in the scope of a request or a WebSocket."""
        await self._middleware(scope, receive, send)
