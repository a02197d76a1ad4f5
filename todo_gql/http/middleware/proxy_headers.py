"""The client's address and scheme, also behind proxies."""

from collections.abc import Iterable
from typing import Any, Final

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from todo_gql.http.headers import Pairs, headers_of

FORWARDED_FOR: Final = b"x-forwarded-for"
# Room for the addresses of some forty proxies; anything before may come from the client itself.
MAX_FORWARDED_BYTES: Final = 2_000


async def _ignore(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """The app that uvicorn's middleware calls with the scope that it has changed."""


class ProxyHeaders:
    """Sets the client's address and scheme from X-Forwarded-For and -Proto of trusted proxies.

    X-Forwarded-For is read from its end: the last address that isn't a trusted proxy's is the
    client's, whatever precedes it. Of a long header only the end is read.
    """

    def __init__(self, trusted: Iterable[object]) -> None:
        # uvicorn's types of ASGI are narrower than Starlette's.
        untyped: Any = _ignore
        middleware: Any = ProxyHeadersMiddleware(untyped, [str(network) for network in trusted])
        self._middleware = middleware

    async def apply(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the client and the scheme in the scope of a request or a WebSocket."""
        forwarded = headers_of(scope).get(FORWARDED_FOR, b"")
        if len(forwarded) <= MAX_FORWARDED_BYTES:
            await self._middleware(scope, receive, send)
            return
        # The first address of the end may lack its beginning.
        end = forwarded[-MAX_FORWARDED_BYTES:].partition(b",")[2]
        others: Pairs = [pair for pair in scope["headers"] if pair[0] != FORWARDED_FOR]
        shortened = {**scope, "headers": [*others, (FORWARDED_FOR, end)]}
        await self._middleware(shortened, receive, send)
        scope.update((name, shortened[name]) for name in ("client", "scheme") if name in shortened)
