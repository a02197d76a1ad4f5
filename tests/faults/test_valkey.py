"""Valkey killed and frozen, on which limits are shared and subscribers are woken."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from operator import lt
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import httpx
import pytest

from tests.faults.checker import CHANGES, Reader, check
from tests.faults.installation import PATIENCE, Installation, installed
from tests.faults.journal import Outcome
from tests.faults.workload import Owner, working
from tests.support.accounts import PASSWORD
from tests.support.subscribers import Socket, connected
from tests.support.valkey import Valkey, valkey
from todo_gql.changelog.cursors import cursor_of

SLOWER_SECONDS = 0.1
TRIES = 15
# Enough for everybody, but counted, and told to Valkey again and again.
LIMITS = {
    "RATE_LIMIT_REQUESTS": "5000",
    "RATE_LIMIT_COST": "1000000",
    "RATE_LIMIT_CREDENTIALS": "5000",
    "RATE_LIMIT_CREDENTIALS_PER_ADDRESS": "5000",
}
LOGIN = """
mutation ($name: String!, $password: String!) {
  login(input: { usernameOrEmail: $name, password: $password }) { errors { code } }
}
"""
LIST = "{ todos(first: 20) { nodes { id title } } }"


@pytest.fixture(scope="module")
async def served_valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Valkey]:
    """A Valkey of the module's own."""
    folder: Path = tmp_path_factory.mktemp("valkey")
    with valkey(folder) as server:
        yield server


@pytest.fixture(scope="module")
async def on_valkey(
    served_valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """A server that shares its limits, and is woken, by way of Valkey."""
    settings = LIMITS | {"REDIS_URL": served_valkey.url}
    async with installed(tmp_path_factory.mktemp("on_valkey"), **settings) as installation:
        yield installation


async def seconds(installation: Installation, user: Owner) -> tuple[float, float]:
    """What signing in and reading take, but for three in four, which the machine may hold up."""
    headers = {"Authorization": f"Bearer {user.token}"}
    login = {"query": LOGIN, "variables": {"name": user.name, "password": PASSWORD}}
    taken: tuple[list[float], list[float]] = ([], [])
    async with httpx.AsyncClient(headers=headers) as http:
        for number in range(TRIES):
            began = time.monotonic()
            body = {"query": LIST} if number % 2 else login
            answer = await http.post(installation.address, json=body)
            taken[number % 2].append(time.monotonic() - began)
            assert "errors" not in answer.json(), answer.text
    signing_in, reading = (quantiles(each, n=4)[0] for each in taken)
    return signing_in, reading


class Follower:
    """A device that is told of all changes of its owner, from the first one on."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.cursors: list[str] = []

    async def follow(self) -> None:
        """Listen for ever."""
        while True:
            [event] = await self.socket.changes(1)
            self.cursors.append(event["cursor"])


@asynccontextmanager
async def following(installation: Installation, owner: Owner) -> AsyncIterator[Follower]:
    """A device that listens within the block."""
    async with connected(installation.host, owner.token) as socket:
        await socket.subscribe(after=cursor_of(UUID(owner.id), 0))
        follower = Follower(socket)
        listening = asyncio.create_task(follower.follow())
        yield follower
        listening.cancel()


@pytest.mark.parametrize(
    ("harm", "mend"),
    [(Valkey.kill, Valkey.start), (Valkey.freeze, Valkey.thaw)],
    ids=["killed", "frozen"],
)
async def test_without_valkey_all_goes_on(
    on_valkey: Installation,
    served_valkey: Valkey,
    chance: random.Random,
    harm: Callable[[Valkey], None],
    mend: Callable[[Valkey], None],
) -> None:
    """Nothing fails or takes 100 ms longer, and subscribers are told of each change once."""
    async with AsyncExitStack() as stack:
        async with working(on_valkey, chance, owners=1) as workload:
            [owner] = workload.owners
            follower = await stack.enter_async_context(following(on_valkey, owner))
            usually = await seconds(on_valkey, workload.observer)
            for _ in range(2):
                await workload.does(chance.randint(1, 20))
                harm(served_valkey)
                now = await seconds(on_valkey, workload.observer)
                assert all(map(lt, now, (each + SLOWER_SECONDS for each in usually))), now
                await workload.does(chance.randint(1, 20))
                mend(served_valkey)
        assert workload.failed_reads == workload.outcomes[Outcome.UNKNOWN] == 0
        await check(on_valkey, workload)
        async with workload.signed_in(owner) as http:
            reader = Reader(http, on_valkey.address)
            log = [change["cursor"] async for change in reader.nodes(CHANGES, "changes")]
        async with asyncio.timeout(PATIENCE):
            while len(follower.cursors) < len(log):  # noqa: ASYNC110 - of another task
                await asyncio.sleep(0.05)
        assert follower.cursors == log
