"""Reading open and stored files in chunks, without holding up the event loop."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Final

CHUNK_BYTES: Final = 256 * 1024


async def chunks_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    """What is left of an open file; raises `OSError`."""
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk


async def chunks_at(path: Path) -> AsyncIterator[bytes]:
    """The file at a path; raises `OSError`."""
    with path.open("rb") as file:
        async for chunk in chunks_of(file):
            yield chunk
