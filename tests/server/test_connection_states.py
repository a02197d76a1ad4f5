"""Every state that a connection can be left in ends by itself, and others are answered again."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.support.connection_states import BODY, STATES, WHOLE
from tests.support.processes import Server, serving
from tests.support.raw_connections import Connection, connect
from tests.support.waiting import PATIENCE_SECONDS, until

MOST, CROWD = 20, 25
SECONDS = 15


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server that takes few connections, and gives them a second for each of their parts."""
    folder = tmp_path_factory.mktemp("states")
    settings = {
        "DATABASE_URL": database_url,
        "REQUEST_TIMEOUT": "1",
        "MAX_CONNECTIONS": str(MOST),
    }
    with serving(folder / "data", settings) as server:
        yield server


async def left(server: Server, segments: list[bytes]) -> Connection:
    """A connection that is left as it is, by a client that doesn't even hear of its end."""
    connection = await connect(server.address.split("/")[2])
    for segment in segments:
        await connection.send([segment])
        if segment == WHOLE:
            # What arrives before the answer is complete is in another state than what follows it.
            await connection.answers(1)
    return connection


async def is_answered(server: Server) -> bool:
    """Whether somebody else is answered."""
    async with httpx.AsyncClient(timeout=SECONDS) as http:
        return (await http.post(server.address, json=json.loads(BODY))).status_code == 200


async def test_every_state_ends(server: Server) -> None:
    """Each by its own timer, though the client does nothing more."""
    for names in ([*STATES][:14], [*STATES][14:]):
        connections = [await left(server, STATES[name]) for name in names]
        await asyncio.gather(*(each.ended(PATIENCE_SECONDS) for each in connections))


@pytest.mark.parametrize(
    "name",
    [
        "a handshake with a body",
        "a handshake with many headers",
        "half a handshake",
        "a WebSocket that says nothing",
        "no body",
    ],
)
async def test_a_crowd_that_is_left_makes_room(server: Server, name: str) -> None:
    """More of one kind than the server has room for, and within seconds others are answered."""
    connections = [await left(server, STATES[name]) for _ in range(CROWD)]
    async with asyncio.timeout(SECONDS):
        await until(lambda: is_answered(server))
    for connection in connections:
        connection.transport.abort()
