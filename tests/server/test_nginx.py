"""The documented nginx before a server: what clients and the server's log see through it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.support.accounts import PASSWORD, REGISTER
from tests.support.nginx import NGINX, documented_proxy
from tests.support.ports import free_port
from tests.support.processes import Server, serving
from tests.support.subscribers import connected, streaming
from tests.support.waiting import until

ASK = {"query": "{ __typename }"}
CREATE = 'mutation { todoCreate(input: { title: "A" }) { errors { code } } }'

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server that lets an address ask 25 times a minute."""
    folder = tmp_path_factory.mktemp("behind")
    settings = {
        "DATABASE_URL": database_url,
        "PORT": str(free_port()),
        "RATE_LIMIT_REQUESTS": "25",
    }
    with serving(folder / "data", settings) as server:
        yield server


def signed_up(server: Server) -> str:
    """The access token of a new user."""
    name = f"user-{uuid4().hex[:12]}"
    sent = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    return str(server.execute(REGISTER, input=sent)["register"]["tokens"]["accessToken"])


def port_of(server: Server) -> int:
    """Where the server listens."""
    return int(server.address.split("/")[2].split(":")[1])


@pytest.fixture(scope="module")
def address(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where nginx listens, without a scheme."""
    with documented_proxy(tmp_path_factory.mktemp("nginx"), [port_of(server)]) as address:
        yield address.removeprefix("http://")


def client_from(source: str, address: str) -> httpx.AsyncClient:
    """A client with an address of its own."""
    transport = httpx.AsyncHTTPTransport(local_address=source, retries=3)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{address}", timeout=30)


def lines(server: Server) -> list[dict[str, Any]]:
    """The server's log."""
    return [json.loads(line) for line in server.log.read_text().splitlines()]


async def test_each_client_is_known_by_its_own_address(server: Server, address: str) -> None:
    """Each client has its own address in the log and in rate limits, whatever headers it sends."""
    lie = {"x-forwarded-for": "203.0.113.9"}
    async with client_from("127.0.0.21", address) as one, client_from("127.0.0.22", address) as two:
        answers = [(await one.post("/graphql", json=ASK, headers=lie)) for _ in range(26)]
        assert [answer.status_code for answer in answers] == [200] * 25 + [429]
        answer = await two.post("/graphql", json=ASK, headers=lie)
        assert answer.json()["data"] == {"__typename": "Query"}
    id = answer.headers["x-request-id"]
    await until(lambda: any(line.get("request_id") == id for line in lines(server)))
    assert {line.get("client") for line in lines(server)} >= {"127.0.0.21", "127.0.0.22"}
    assert "203.0.113.9" not in server.log.read_text()


def connections(port: int) -> set[Any]:
    """Who is connected to a port, or was within a minute, whichever end still knows."""
    both = [(one.laddr, one.raddr) for one in psutil.net_connections("tcp") if one.raddr]
    return {
        theirs
        for end, other in both
        for ours, theirs in ((end, other), (other, end))
        if ours.port == port
    }


async def test_connections_to_the_server_are_kept(server: Server, address: str) -> None:
    """Clients that come one after the other are answered over the same few."""
    before = connections(port_of(server))
    for number in range(30, 50):
        async with client_from(f"127.0.0.{number}", address) as one:
            assert (await one.post("/graphql", json=ASK)).is_success
    # One of each process of nginx.
    assert len(connections(port_of(server)) - before) <= (psutil.cpu_count() or 1)


@pytest.mark.parametrize("size", [300_000, 2_000_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_what_is_too_large_is_refused_in_our_words(
    address: str, size: int, chunked: bool
) -> None:
    """A body that is too large gets our JSON error, and the connection's next request an answer."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * (size // 10)

    body: Any = parts() if chunked else b" " * size
    headers = {"content-type": "application/json"}
    async with client_from("127.0.0.51", address) as one:
        answer = await one.post("/graphql", content=body, headers=headers)
        assert answer.status_code == 413
        assert (
            "A request body may have at most 262,144 bytes."
            in answer.json()["errors"][0]["message"]
        )
        assert (await one.post("/graphql", json=ASK)).is_success


async def test_subscriptions_come_through_at_once(server: Server, address: str) -> None:
    """Events come through nginx at once on a WebSocket and an event stream."""
    token = signed_up(server)
    after = server.execute("{ changeCursor }", token)["changeCursor"]
    async with (
        connected(address, token) as socket,
        streaming(address, token, after=after) as stream,
    ):
        await socket.subscribe(after=after)
        for _ in range(3):
            await asyncio.to_thread(server.execute, CREATE, token)
            [event] = await socket.changes(1)
            assert [event] == await stream.changes(1)
            assert event["action"] == "CREATED"
