"""Where requests come from, also those that proxies pass on."""

from collections.abc import Iterable
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


async def _scope_alone(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """What uvicorn's middleware passes a scope on to that it has changed."""


class Proxies:
    """Takes the client's address and scheme from what trusted proxies say.

    X-Forwarded-For is read from its end: the last address that is no trusted proxy's is the
    client, whatever stands before it.
    """

    def __init__(self, trusted: Iterable[object]) -> None:
        # uvicorn's types of ASGI are narrower than Starlette's.
        untyped: Any = _scope_alone
        middleware: Any = ProxyHeadersMiddleware(untyped, [str(network) for network in trusted])
        self._middleware = middleware

    async def complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put into the scope of a request or a WebSocket where it comes from."""
        await self._middleware(scope, receive, send)
