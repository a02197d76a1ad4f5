"""Two servers behind nginx under load, stopped and started one after the other."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.databases import fresh_database
from tests.support.nginx import NGINX, proxy
from tests.support.ports import free_port
from tests.support.processes import STOP_SECONDS, Server, started

CLIENTS = 16
# How long the load goes on before, between and after what happens to the servers.
CALM_SECONDS = 2
# One user sends all of it.
NO_RATE_LIMITS = {"RATE_LIMIT_REQUESTS": "0", "RATE_LIMIT_COST": "0"}
COUNT = "{ stats { total } }"
LIST = "{ todos(first: 20) { nodes { title tags { name } } } }"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]


@dataclass
class Load:
    """What clients saw who never stopped to create and to list todos."""

    token: str = ""
    created: int = 0
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    over: bool = False

    async def send(self, http: httpx.AsyncClient, address: str, body: dict[str, Any]) -> bool:
        """Whether a request was answered as it should."""
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = await http.post(address, json=body, headers=headers)
        except httpx.HTTPError as error:
            self.failures.append(repr(error))
            return False
        if answer.status_code != 200 or "errors" in answer.json():
            self.failures.append(f"{answer.status_code} {answer.text}")
            return False
        self.answered += 1
        return True

    async def run(self, address: str) -> None:
        """Send requests until it is over."""
        async with httpx.AsyncClient(timeout=STOP_SECONDS) as http:
            while not self.over:
                variables = {"input": {"title": "Under load", "tags": ["load"]}}
                creating = {"query": CREATE, "variables": variables}
                if await self.send(http, address, creating):
                    self.created += 1
                await self.send(http, address, {"query": LIST})


@asynccontextmanager
async def loaded(address: str, token: str) -> AsyncIterator[Load]:
    """Clients at work for as long as the block, with a calm second before and after it."""
    load = Load(token)
    clients = [asyncio.create_task(load.run(address)) for _ in range(CLIENTS)]
    await asyncio.sleep(CALM_SECONDS)
    yield load
    await asyncio.sleep(CALM_SECONDS)
    load.over = True
    await asyncio.gather(*clients)


@dataclass
class Place:
    """Where a server runs, and is started anew."""

    folder: Path
    settings: dict[str, str]
    opened: ExitStack
    server: Server | None = None

    def start(self) -> None:
        """Start a server and wait until it is ready."""
        self.server = self.opened.enter_context(
            started(self.folder / "log", "--migrate", settings=self.settings)
        )
        self.server.wait_until_ready()

    def stop(self) -> None:
        """Stop the server as an orchestrator does, and see it end well."""
        assert self.server
        assert self.server.stop(signal.SIGTERM) == "Stopping.\nStopped.\n"
        assert self.server.process.returncode == 0


@dataclass
class Site:
    """Two servers behind nginx, and an account."""

    address: str
    places: list[Place]
    token: str

    async def stored(self) -> int:
        """How many todos the account has."""
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}) as http:
            answer = await http.post(self.address, json={"query": COUNT})
        return int(answer.json()["data"]["stats"]["total"])


@pytest.fixture
async def site(tmp_path: Path, server_url: str) -> AsyncIterator[Site]:
    """Two servers on one database, behind nginx."""
    key = "a key of thirty-two bytes or more"
    async with fresh_database(server_url) as url:
        with ExitStack() as opened:
            places = []
            for name in ("one", "two"):
                (tmp_path / name).mkdir()
                port = str(free_port())
                settings = {"DATABASE_URL": url, "SECRET_KEY": key, "PORT": port} | NO_RATE_LIMITS
                places.append(Place(tmp_path / name, settings, opened))
                places[-1].start()
            ports = [int(place.settings["PORT"]) for place in places]
            address = opened.enter_context(proxy(tmp_path, ports)) + "/graphql"
            first = places[0].server
            assert first
            given = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
            tokens = first.execute(REGISTER, input=given)["register"]["tokens"]
            yield Site(address, places, tokens["accessToken"])


async def test_stopping_one_of_two_fails_no_request(site: Site) -> None:
    """SIGTERM to one of two under load: every request is answered, every todo stored once."""
    async with loaded(site.address, site.token) as load:
        await asyncio.to_thread(site.places[0].stop)
    assert load.failures == []
    assert load.answered > CLIENTS
    assert await site.stored() == load.created


async def test_rolling_through_both_fails_no_request(site: Site) -> None:
    """Rolling through both servers under load fails no request."""
    async with loaded(site.address, site.token) as load:
        for place in site.places:
            await asyncio.to_thread(place.stop)
            await asyncio.to_thread(place.start)
            await asyncio.sleep(CALM_SECONDS)
    assert load.failures == []
    assert load.answered > CLIENTS
    assert await site.stored() == load.created
