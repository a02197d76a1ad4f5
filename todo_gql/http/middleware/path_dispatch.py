"""Dispatches the path of nearly all requests without Starlette's router."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send


class PathDispatch:
    """Dispatches HTTP requests for one path to its own app, and everything else to `others`.

    Starlette's error middleware and router take 11 µs, as long as a small response.
    """

    def __init__(self, path: str, app: ASGIApp, others: ASGIApp) -> None:
        self.path = path
        self.app = app
        self.others = others

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request."""
        is_direct = scope["type"] == "http" and scope["path"] == self.path
        return (self.app if is_direct else self.others)(scope, receive, send)


class PrefixDispatch:
    """Dispatches HTTP requests for paths with a prefix to their own app, and everything else to `others`."""

    def __init__(self, prefix: str, app: ASGIApp, others: ASGIApp) -> None:
        self.prefix = prefix
        self.app = app
        self.others = others

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request."""
        is_own = scope["type"] == "http" and scope["path"].startswith(self.prefix)
        return (self.app if is_own else self.others)(scope, receive, send)
