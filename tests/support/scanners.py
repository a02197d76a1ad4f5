"""A clamd of tests, which speaks INSTREAM and finds one virus."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

VIRUS = b"a harmless virus of tests"


@dataclass
class Clamd:
    """What it was sent; `answer` replaces what it says."""

    port: int = 0
    answer: bytes | None = None
    scanned: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!L", await reader.readexactly(4))[0]:
            content += await reader.readexactly(size)
        self.scanned.append(content)
        said = b"stream: Test.Virus-1 FOUND\0" if VIRUS in content else b"stream: OK\0"
        writer.write(said if self.answer is None else self.answer)
        writer.close()


@asynccontextmanager
async def clamd() -> AsyncIterator[Clamd]:
    """A clamd on a port of this machine."""
    scanner = Clamd()
    server = await asyncio.start_server(scanner.serve, "127.0.0.1", 0)
    scanner.port = server.sockets[0].getsockname()[1]
    async with server:
        yield scanner
