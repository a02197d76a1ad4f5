"""Clients that send byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from tests.support.processes import Server

HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

# Only there so that a test that fails ends.
PATIENCE = 60


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Stream]:
    """A connection of its own."""
    host, port = server.address.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection ends."""
    with suppress(ConnectionResetError):
        return await asyncio.wait_for(reader.read(), PATIENCE)
    return b""


async def send_slowly(server: Server, seconds: float) -> bytes:
    """Send a byte every so many seconds, until let go; what was said then."""
    async with connected(server) as (reader, writer):
        gone = asyncio.create_task(rest(reader))
        for byte in HEAD + b"X-Padding: " + b"a" * 1000:
            writer.write(bytes([byte]))
            with suppress(OSError):
                await writer.drain()
            if await asyncio.wait([gone], timeout=seconds) != (set(), {gone}):
                break
        return await gone


def assert_let_go(said: Iterable[bytes]) -> None:
    """Fail unless each was told that it is too slow, as far as it could hear it."""
    timed_out = b"HTTP/1.1 408 Request Timeout"
    assert {each.partition(b"\r\n")[0] for each in said} <= {timed_out, b""}
