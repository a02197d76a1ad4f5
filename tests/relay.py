"""A network between a program and PostgreSQL that can fall silent."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit, urlunsplit


class Relay:
    """Passes on what is said to a database and what it answers."""

    def __init__(self, database_url: str) -> None:
        self._parts = urlsplit(database_url)
        self._writers: list[StreamWriter] = []
        self._pumps: list[asyncio.Task[None]] = []
        self.connections = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """The URL of the database by way of the relay."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        try:
            yield urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{port}", query=""))
        finally:
            self.fall_silent()
            server.close()
            for writer in self._writers:
                writer.close()

    def fall_silent(self) -> None:
        """Pass nothing on any more of the connections there are; nobody is told."""
        for pump in self._pumps:
            pump.cancel()

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        [host] = parse_qs(self._parts.query).get("host", [self._parts.hostname])
        if host and host.startswith("/"):
            there = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")
        else:
            there = await asyncio.open_connection(host, self._parts.port or 5432)
        self._writers += [writer, there[1]]
        self._pumps += [
            asyncio.create_task(_pump(reader, there[1])),
            asyncio.create_task(_pump(there[0], writer)),
        ]


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    while said := await reader.read(65536):
        writer.write(said)
        await writer.drain()
    writer.close()
