"""Where requests come from, also those that proxies pass on."""

from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from todo_gql.http.headers import headers_of

FORWARDING = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})


class Forwarded:
    """Takes the client's address and scheme from what trusted proxies say.

    X-Forwarded-For is read from its end: the last address that is no trusted proxy's is the
    client, whatever stands before it.
    """

    def __init__(self, app: ASGIApp, trusted: Iterable[object]) -> None:
        self.app = app
        # uvicorn's types of ASGI are narrower than Starlette's.
        untyped: Any = app
        behind_proxy: Any = ProxyHeadersMiddleware(untyped, [str(network) for network in trusted])
        self.behind_proxy: ASGIApp = behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a WebSocket on, with the address that it comes from."""
        direct = "headers" not in scope or FORWARDING.isdisjoint(headers_of(scope))
        await (self.app if direct else self.behind_proxy)(scope, receive, send)
