"""Raw connections: written byte for byte, and what is answered, read by h11."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import h11

from tests.support.subscribers import PATIENCE

SEGMENT_SECONDS = 0.001


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def is_last(self) -> bool:
        """Whether it says that the connection ends with it."""
        return b"close" in self.headers.get(b"connection", b"")


class Connection(asyncio.Protocol):
    """A connection that keeps what it is sent, also when it is reset after that."""

    def __init__(self) -> None:
        self.received = b""
        self.changed = asyncio.Event()
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over = True
        self.changed.set()

    async def send(self, segments: Iterable[bytes]) -> None:
        """Send segments, of which each arrives by itself."""
        for segment in segments:
            if self.is_over:
                return
            self.transport.write(segment)
            await asyncio.sleep(SEGMENT_SECONDS)

    async def answers(self, number: int | None = None) -> list[Answer]:
        """What was answered: so many, or all until the connection ends."""
        async with asyncio.timeout(PATIENCE):
            while not self.is_over:
                if number is not None and len(answers_in(self.received)) >= number:
                    break
                self.changed.clear()
                await self.changed.wait()
        return answers_in(self.received)

    async def end(self) -> None:
        """Say that nothing more comes, and wait until the connection is over."""
        with suppress(OSError):
            self.transport.write_eof()
        await self.ended(PATIENCE)

    async def ended(self, seconds: float) -> None:
        """Wait until the connection is over; `TimeoutError` after so many seconds."""
        async with asyncio.timeout(seconds):
            while not self.is_over:
                self.changed.clear()
                await self.changed.wait()


async def connect(address: str) -> Connection:
    """A connection on which nothing was sent yet."""
    host, _, port = address.partition(":")
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(Connection, host, int(port)))[1]


async def answers(address: str, segments: Iterable[bytes]) -> list[Answer]:
    """All that is answered to these segments, until the server ends the connection."""
    connection = await connect(address)
    try:
        await connection.send(segments)
        return await connection.answers()
    finally:
        connection.transport.abort()


def answers_in(received: bytes) -> list[Answer]:
    """The whole answers in what was received; an error if it is no HTTP."""
    found: list[Answer] = []
    while received:
        answer, received = _next(received)
        if answer is None:
            break
        found.append(answer)
        if answer.status == 101:
            break
    return found


def _next(received: bytes) -> tuple[Answer | None, bytes]:
    """The first answer, if all of it is there, and what follows it."""
    reader = h11.Connection(h11.CLIENT)
    asking = [("host", "x"), ("connection", "upgrade"), ("upgrade", "websocket")]
    reader.send(h11.Request(method="GET", target="/", headers=asking))
    reader.send(h11.EndOfMessage())
    reader.receive_data(received)
    answer, body = None, b""
    while True:
        match reader.next_event():
            case h11.Response() as response:
                answer = response
            case h11.InformationalResponse(status_code=101) as response:
                return Answer(101, dict(response.headers), b""), reader.trailing_data[0]
            case h11.Data(data=data):
                body += data
            case h11.EndOfMessage():
                assert answer
                read = Answer(answer.status_code, dict(answer.headers), body)
                return read, reader.trailing_data[0]
            case h11.NEED_DATA:
                return None, b""
