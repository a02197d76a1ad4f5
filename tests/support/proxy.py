"""A network between a program and a server, which can be slow, stall, fall silent and break."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit, urlunsplit


@dataclass(eq=False)
class Line:
    """One connection through the proxy."""

    client: StreamWriter
    server: StreamWriter
    pumps: list[asyncio.Task[None]] = field(default_factory=list)
    is_doomed: bool = False
    is_silent: bool = False

    def cut(self) -> None:
        """Break it; both ends are told."""
        for writer in (self.client, self.server):
            writer.transport.abort()


@dataclass
class Ambush:
    """What is said on a line that is cut then: before the server hears it, or once it answers."""

    words: bytes
    heard: bool
    skipped: int
    times: int


class Proxy:
    """Passes on what is said to a PostgreSQL server at a URL, and what it answers."""

    def __init__(self, database_url: str) -> None:
        self._parts = urlsplit(database_url)
        self._lines: set[Line] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._ambush: Ambush | None = None
        self.connections = 0
        self.cuts = 0
        self.delay = 0.0
        """Seconds that everything takes on its way, in each direction."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The URL of the database by way of the proxy."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        try:
            yield urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{port}", query=""))
        finally:
            server.close()
            pumps = [pump for line in self._lines for pump in line.pumps]
            self.cut()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    def stall(self) -> None:
        """Pass nothing on until `resume`; nothing is lost and nobody is told."""
        self._open.clear()

    def resume(self) -> None:
        """Pass on what was held back, and all that follows."""
        self._open.set()

    def fall_silent(self) -> None:
        """Pass nothing on any more of the connections there are; nobody is told."""
        for line in self._lines:
            line.is_silent = True
            for pump in line.pumps:
                pump.cancel()

    def cut(self) -> None:
        """Break all connections there are."""
        for line in self._lines.copy():
            line.cut()

    def cut_at(self, words: bytes, *, heard: bool, skipped: int = 0, times: int = 1) -> None:
        """Break the next connections on which this is said to the server, so many of them.

        The server has heard it and its answer is lost, or it never hears it. The first few such
        words may be passed on unharmed.
        """
        self._ambush = Ambush(words, heard, skipped, times)

    def mend(self) -> None:
        """Be a good network again; what fell silent is broken for good, which both ends are told."""
        for line in self._lines.copy():
            if line.is_silent:
                line.cut()
                self._lines.discard(line)
        self.resume()
        self._ambush = None
        self.delay = 0.0

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        try:
            there = await self._reach()
        except OSError:
            writer.transport.abort()
            return
        line = Line(writer, there[1])
        self._lines.add(line)
        line.pumps = [
            asyncio.create_task(self._pump(line, reader, there[1])),
            asyncio.create_task(self._pump(line, there[0], writer)),
        ]
        await asyncio.gather(*line.pumps, return_exceptions=True)
        if not line.is_silent:
            line.cut()
            self._lines.discard(line)

    async def _reach(self) -> tuple[StreamReader, StreamWriter]:
        [host] = parse_qs(self._parts.query).get("host", [self._parts.hostname])
        if host and host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")
        return await asyncio.open_connection(host, self._parts.port or 5432)

    async def _pump(self, line: Line, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while said := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._open.wait()
                if line.is_doomed:
                    break
                if writer is line.server and self._is_caught(line, said):
                    break
                writer.write(said)
                await writer.drain()
        if line.is_doomed and not line.client.is_closing():
            self.cuts += 1
            line.cut()
        writer.close()

    def _is_caught(self, line: Line, said: bytes) -> bool:
        """Whether to break a connection now rather than pass this on."""
        ambush = self._ambush
        if ambush is None or ambush.words not in said or not ambush.times:
            return False
        if ambush.skipped:
            ambush.skipped -= 1
            return False
        ambush.times -= 1
        line.is_doomed = True
        return not ambush.heard
