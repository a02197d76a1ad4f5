"""The messages of a process that reads a file."""

import asyncio
import pickle
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from todo_gql.features.transfers.runs import JobFailed
from todo_gql.importing.messages import LENGTH, Begun, FilePart, Refused, Request

MODULE: Final = "todo_gql.importing.process"
ABORTED: Final = "The file is too large or too intricate to be read."


class FileReading:
    """A file while another process reads it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def begin(self) -> Begun:
        """What the file is; raises `JobFailed` if it can't be read."""
        message = await self._next()
        if isinstance(message, Refused):
            raise JobFailed(message.message)
        if not isinstance(message, Begun):
            raise JobFailed(ABORTED)
        return message

    async def parts(self) -> AsyncIterator[FilePart]:
        """What it has, in parts; raises `JobFailed` if the process was aborted."""
        while (message := await self._next()) is not None:
            yield message
        if await self._process.wait():
            raise JobFailed(ABORTED)

    async def _next(self) -> Any:
        """The next message; None at the end."""
        output = self._process.stdout
        assert output is not None
        try:
            [length] = LENGTH.unpack(await output.readexactly(LENGTH.size))
            content = await output.readexactly(length)
        except asyncio.IncompleteReadError:
            return None
        return pickle.loads(content)  # noqa: S301 - of the process that this one has started


@asynccontextmanager
async def reading(request: Request) -> AsyncIterator[FileReading]:
    """Read a file in a process, which ends with the block."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    process.stdin.write(pickle.dumps(request))
    with suppress(ConnectionError):
        await process.stdin.drain()
    process.stdin.close()
    try:
        yield FileReading(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
