"""A server, its PostgreSQL and the network between them, each of which can fail."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import asyncpg
import httpx
import psutil

from tests.support.ports import free_port
from tests.support.processes import Server, postgres_of, started
from tests.support.proxy import Proxy
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.embedded_postgres.processes import signal_each

RECOVERY_SECONDS = 5.0
ALIVE_SECONDS = 0.25
LOOK_SECONDS = 0.05
# Only there so that a test that fails ends.
PATIENCE = 30.0
RECOVERED = 'mutation { todoCreate(input: { title: "Recovered" }) { todo { tags { id } } } }'
# A few users send all of it.
NO_RATE_LIMITS = {
    "RATE_LIMIT_REQUESTS": "0",
    "RATE_LIMIT_COST": "0",
    "RATE_LIMIT_CREDENTIALS": "0",
    "RATE_LIMIT_CREDENTIALS_PER_ADDRESS": "0",
}


@dataclass
class Database:
    """A PostgreSQL of the installation's own, which keeps what it has acknowledged."""

    folder: Path
    postgres: EmbeddedPostgres
    url: str = ""

    def start(self) -> None:
        """Start it, after recovery if need be."""
        self.url = self.postgres.start()

    def stop(self) -> None:
        """Stop it as an administrator does, in the midst of everything."""
        self.postgres.stop()

    def kill(self) -> None:
        """End all of its processes at once."""
        signal_each(self.processes(), signal.SIGKILL)
        self.postgres.stop()

    def freeze(self) -> None:
        """Have none of its processes do anything any more."""
        signal_each(self.processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Have all of them go on."""
        signal_each(self.processes(), signal.SIGCONT)

    def processes(self) -> list[psutil.Process]:
        """All of its processes."""
        return postgres_of(self.folder)


@dataclass
class Installation:
    """A server that reaches its database through a proxy."""

    folder: Path
    database: Database
    proxy: Proxy
    settings: dict[str, str]
    running: ExitStack = field(default_factory=ExitStack)
    server: Server | None = None

    @property
    def address(self) -> str:
        """Where GraphQL is answered, also after the server was started again."""
        return f"http://127.0.0.1:{self.settings['PORT']}/graphql"

    @property
    def host(self) -> str:
        """The host and port of the address."""
        return urlsplit(self.address).netloc

    def start_server(self) -> None:
        """Start the server, and wait until it is ready."""
        self.server = self.running.enter_context(
            started(self.folder / "log", "--migrate", settings=self.settings)
        )
        self.server.wait_until_ready()

    def kill_server(self) -> None:
        """End the server without a chance to do anything."""
        assert self.server
        self.server.kill()

    async def mend(self) -> None:
        """Have everything run again that a test has left harmed."""
        self.proxy.mend()
        await asyncio.to_thread(self._start_again)

    def _start_again(self) -> None:
        self.database.thaw()
        if not self.database.processes():
            self.database.stop()
            self.database.start()
        if self.server is None or self.server.process.poll() is not None:
            self.start_server()

    async def recovers(self, token: str) -> float:
        """The seconds until a user reads and writes again; fails when it takes too long.

        What is sent in time may be answered later: the machine may be busy with something else.
        """
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            while True:
                sent = time.monotonic() - began
                answer = await http.post(self.address, json={"query": RECOVERED})
                if answer.status_code == 200 and "errors" not in answer.json():
                    return time.monotonic() - began
                assert sent < RECOVERY_SECONDS, answer.text
                await asyncio.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Within the block the server says that it lives, and soon."""
        times: list[float] = []

        async def look() -> None:
            health = self.address.replace("graphql", "health/live")
            async with httpx.AsyncClient(timeout=PATIENCE) as http:
                while True:
                    began = time.monotonic()
                    assert (await http.get(health)).status_code == 200
                    times.append(time.monotonic() - began)
                    await asyncio.sleep(LOOK_SECONDS)

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            looking.cancel()
        assert not looking.done() or looking.cancelled(), looking.exception()
        # The machine may be busy with something else for a moment, but not half of the time.
        assert median(times) < ALIVE_SECONDS, times

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection to the database that no fault of the network concerns."""
        return await asyncpg.connect(self.database.url)


@asynccontextmanager
async def installed(folder: Path, **settings: str) -> AsyncIterator[Installation]:
    """A server on a database of its own."""
    database = Database(folder / "data", EmbeddedPostgres(folder / "data"))
    await asyncio.to_thread(database.start)
    try:
        proxy = Proxy(database.url)
        async with proxy.listening() as url:
            given = {
                "DATABASE_URL": url,
                "DATA_DIR": str(folder / "server"),
                "PORT": str(free_port()),
                "SECRET_KEY": "x" * 32,
                "LOG_LEVEL": "WARNING",
            }
            installation = Installation(folder, database, proxy, given | NO_RATE_LIMITS | settings)
            try:
                await asyncio.to_thread(installation.start_server)
                yield installation
            finally:
                # The server says goodbye to the database through the proxy, so the loop has to run.
                await asyncio.to_thread(installation.running.close)
    finally:
        await asyncio.to_thread(database.stop)
