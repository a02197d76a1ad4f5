"""Requests written to a connection, and an application that sends back what it was sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.raw_connections import Answer
from tests.support.subscribers import PATIENCE, listening
from todo_gql.settings import Settings

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(app: ASGIApp, settings: Settings, **changes: int) -> AsyncIterator[Stream]:
    """A connection to a server of the app's own."""
    async with listening(app, settings, **changes) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        yield reader, writer
        writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer, whose length is known."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    [length] = [
        line.partition(b": ")[2] for line in head.split(b"\r\n") if line.startswith(b"content-le")
    ]
    return await asyncio.wait_for(reader.readexactly(int(length)), PATIENCE)


POST = b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"


def post(path: bytes, body: bytes) -> bytes:
    """A request."""
    return POST % (path, len(body), body)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send back what came, then spoil the scope as far as it is the app's own."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    told = b"%b %b %b" % (scope["method"].encode(), scope["raw_path"], body)
    scope.update(method="?", raw_path=b"?")
    scope["state"]["spoilt"] = True
    headers = [(b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

END = b"GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def told(answered: list[Answer]) -> list[bytes]:
    """What was sent back, in answers that were good."""
    assert {answer.status for answer in answered} == {200}
    return [answer.body for answer in answered]
