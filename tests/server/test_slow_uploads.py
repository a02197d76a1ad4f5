"""Files take as long to arrive as they need, if they arrive at all."""

import asyncio

from starlette.types import Receive, Scope, Send

from tests.support.subscribers import PATIENCE, listening
from tests.support.waiting import PutForward, until
from todo_gql.server.http_protocol import MIN_UPLOAD_BYTES_PER_SECOND
from todo_gql.settings import Settings

HEAD = b"PUT /%b/token HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"


class Counting:
    """An application that counts the bytes of a request's body."""

    size = 0

    async def receives(
        self, writer: asyncio.StreamWriter, part: bytes, body: int | None = None
    ) -> None:
        """Wait until a part that is sent, of which so many bytes are the body's, has arrived here."""
        size = self.size + (len(part) if body is None else body)
        writer.write(part)
        await until(lambda: self.size == size)

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Read until the client has sent everything, or is gone."""
        while (message := await receive())["type"] == "http.request":
            self.size += len(message["body"])


async def timers_to_fire() -> None:
    """Wait for the turns of the event loop in which timers that are due are run."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_an_upload_lasts_as_long_as_it_progresses(
    settings: Settings, put_forward: PutForward
) -> None:
    """An upload may take longer than other bodies, and be longer, until it stalls."""
    app, seconds = Counting(), settings.request_timeout
    part = b"x" * int(MIN_UPLOAD_BYTES_PER_SECOND * seconds)
    async with listening(app, settings) as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        await app.receives(writer, HEAD % b"files" + b"x", body=1)
        for _ in range(100):
            await app.receives(writer, part)
            put_forward(seconds + 1)
            await timers_to_fire()
        await app.receives(writer, part[1:])
        put_forward(seconds + 1)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE)
        assert head.startswith(b"HTTP/1.1 408")
        writer.close()


async def test_other_bodies_have_their_limits(settings: Settings, put_forward: PutForward) -> None:
    """A body for another path is refused when its time is over, however much has arrived."""
    app = Counting()
    async with listening(app, settings) as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        await app.receives(writer, HEAD % b"other" + b"x" * 100_000, body=100_000)
        put_forward(settings.request_timeout + 1)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n"), PATIENCE)
        assert head.startswith(b"HTTP/1.1 408")
        writer.close()
