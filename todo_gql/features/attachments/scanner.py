"""Asking clamd whether a file has a virus, by its command INSTREAM (clamd(8))."""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Final

COMMAND: Final = b"zINSTREAM\0"
END: Final = struct.pack("!L", 0)
MAX_ANSWER: Final = 4_096
SECONDS: Final = 60.0
CLEAN: Final = b"stream: OK"
INFECTED: Final = b" FOUND"


class ScannerFailed(OSError):
    """The scanner can't be reached, or gives no answer that says whether there is a virus."""


async def virus_in(chunks: AsyncIterator[bytes], host: str, port: int) -> str | None:
    """The name of the virus in a file; None if it has none. Raises `ScannerFailed`."""
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                answer = await _scan(reader, writer, chunks)
            finally:
                writer.close()
    except TimeoutError:
        raise ScannerFailed(f"clamd gives no answer within {SECONDS:g} seconds") from None
    if answer == CLEAN:
        return None
    if not answer.endswith(INFECTED):
        raise ScannerFailed(f"clamd answers {answer[:100]!r}")
    return answer.removesuffix(INFECTED).partition(b": ")[2].decode("ascii", "replace")[:100]


async def _scan(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes]
) -> bytes:
    writer.write(COMMAND)
    async for chunk in chunks:
        if chunk:
            writer.write(struct.pack("!L", len(chunk)) + chunk)
            await writer.drain()
    writer.write(END)
    return (await reader.read(MAX_ANSWER)).rstrip(b"\0\n")
