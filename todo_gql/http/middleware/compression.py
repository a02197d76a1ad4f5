"""Compresses responses with gzip where the client accepts it."""

import asyncio
import zlib
from collections.abc import Awaitable
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_gql.http.headers import headers_of

MIN_COMPRESSED_BYTES: Final = 1024
# Longer bodies are compressed in a thread, so as not to block the event loop.
MAX_INLINE_BYTES: Final = 128 * 1024
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class Compressed:
    """An app whose responses are compressed where the request accepts gzip.

    Other requests bypass Starlette's middleware, which takes longer than most of our responses.
    """

    def __init__(self, app: ASGIApp, level: int) -> None:
        self.app = app
        self.compressing = GZipMiddleware(app, MIN_COMPRESSED_BYTES, level)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request."""
        compresses = scope["type"] == "http" and headers_of(scope).accept_gzip
        return (self.compressing if compresses else self.app)(scope, receive, send)


def compressing(app: ASGIApp, level: int | None) -> ASGIApp:
    """An app whose responses are compressed with a gzip level; the app itself without one."""
    return Compressed(app, level) if level else app


async def compressed(body: bytes, level: int) -> bytes:
    """A body compressed with gzip; a long one is compressed in a thread."""
    if len(body) < MAX_INLINE_BYTES:
        return zlib.compress(body, level, GZIP_WINDOW)
    return await asyncio.to_thread(zlib.compress, body, level, GZIP_WINDOW)
