"""Answers as gzip, for who accepts that."""

import asyncio
import zlib
from collections.abc import Awaitable
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_gql.http.headers import headers_of

SMALLEST_COMPRESSED_BYTES: Final = 1024
# Longer ones would keep everybody else waiting.
LONGEST_AT_ONCE_BYTES: Final = 128 * 1024
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class Compressed:
    """An app whose answers are compressed; a request that doesn't accept that goes straight to it.

    Starlette's middleware, which does it, takes longer than most answers of ours do.
    """

    def __init__(self, app: ASGIApp, level: int) -> None:
        self.app = app
        self.compressing = GZipMiddleware(app, SMALLEST_COMPRESSED_BYTES, level)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request."""
        compresses = scope["type"] == "http" and headers_of(scope).accept_gzip
        return (self.compressing if compresses else self.app)(scope, receive, send)


def compressing(app: ASGIApp, level: int | None) -> ASGIApp:
    """An app whose answers are compressed with this effort, as it is where there is none."""
    return Compressed(app, level) if level else app


async def compressed(body: bytes, level: int) -> bytes:
    """A body as gzip."""
    if len(body) < LONGEST_AT_ONCE_BYTES:
        return zlib.compress(body, level, GZIP_WINDOW)
    return await asyncio.to_thread(zlib.compress, body, level, GZIP_WINDOW)
