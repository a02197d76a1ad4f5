"""What a server does about clients that are slow, too many or send too much."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.processes import Server, serving, started
from tests.support.slow_clients import (
    HEAD,
    PATIENCE,
    assert_let_go,
    connected,
    rest,
    send_slowly,
)

BODY = json.dumps({"query": "{ __typename }"}).encode()
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server that gives headers and bodies a second, and takes 250 connections."""
    folder = tmp_path_factory.mktemp("slow")
    settings = {
        "DATABASE_URL": database_url,
        "REQUEST_TIMEOUT": "1",
        "MAX_CONNECTIONS": "250",
    }
    with serving(folder / "data", settings) as server:
        yield server


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and the body of one answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    is_unread = head.startswith(b"HTTP/1.1 413")
    assert is_unread == (b"\r\nconnection: close\r\n" in head)
    [length] = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-l")
    ]
    return int(head.split()[1]), await reader.readexactly(int(length))


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /gra",
        b"\r\n",
        HEAD,
        HEAD + b"Content-Length: 100\r\n\r\n",
        HEAD + b"Content-Length: 100\r\n\r\n" + BODY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
    ids=["nothing", "a line", "an empty line", "a header", "no body", "half a body", "a chunk"],
)
async def test_who_does_not_finish_a_request_is_let_go(server: Server, sent: bytes) -> None:
    """A client that doesn't finish a request gets status 408, whichever part is missing."""
    async with connected(server) as (reader, writer):
        writer.write(sent)
        said = await rest(reader)
    assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"nosniff" in said


async def test_the_time_goes_on_between_requests(server: Server) -> None:
    """A line end after an answer isn't a request that may take for ever."""
    async with connected(server) as (reader, writer):
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
        assert (await answer(reader))[0] == 200
        writer.write(b"\r\n")
        await rest(reader)


async def test_a_request_in_parts_is_answered(server: Server) -> None:
    """A request in parts is answered if it comes in time, and the connection serves the next."""
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    async with connected(server) as (reader, writer):
        for _ in range(2):
            for start in range(0, len(request), 40):
                writer.write(request[start : start + 40])
                await writer.drain()
                await asyncio.sleep(0.001)
            status, body = await answer(reader)
            assert (status, json.loads(body)["data"]) == (200, {"__typename": "Query"})


async def test_a_crowd_of_slow_clients_is_let_go(server: Server) -> None:
    """Two hundred that send a byte now and then, while health is told and requests answered."""
    async with asyncio.TaskGroup() as group, httpx.AsyncClient(timeout=PATIENCE) as http:
        crowd = [group.create_task(send_slowly(server, 0.2)) for _ in range(200)]
        while not all(task.done() for task in crowd):
            health = await http.get(server.address.replace("graphql", "health/live"))
            assert health.status_code == 200
            named = await http.post(server.address, json={"query": "{ __typename }"})
            assert named.status_code == 200
    assert_let_go(task.result() for task in crowd)


async def test_a_large_body_is_refused_unread(server: Server) -> None:
    """A large body is refused by its headers, before any of it came."""
    async with connected(server) as (reader, writer):
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % (12 * MEGABYTE))
        status, body = await answer(reader)
        assert status == 413
        assert json.loads(body)["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        await rest(reader)


@pytest.mark.parametrize("declared", [True, False])
async def test_who_sends_a_large_body_hears_that_it_is_too_large(
    server: Server, declared: bool
) -> None:
    """A client that sends all of a large body before it listens hears that it is too large."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b" " * MEGABYTE

    headers = {"Content-Type": "application/json"}
    content = b" " * (12 * MEGABYTE) if declared else chunks()
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        refused = await http.post(server.address, content=content, headers=headers)
    assert refused.status_code == 413


@pytest.mark.parametrize(("number", "status"), [(200, b"200"), (201, b"431")])
async def test_more_headers_than_any_client_sends_are_refused(
    server: Server, number: int, status: bytes
) -> None:
    """Each of them is looked at, however short; 200 are answered, several of a name among them."""
    own = HEAD + b"Connection: close\r\nContent-Length: %d\r\n" % len(BODY)
    more = range(number - own.count(b"\r\n") + 1)
    async with connected(server) as (reader, writer):
        writer.write(own + b"".join(b"a%d: 1\r\n" % (n // 2) for n in more) + b"\r\n" + BODY)
        said = await rest(reader)
    assert said.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(("size", "status"), [(8 * 1024, b"404"), (8 * 1024 + 1, b"414")])
@pytest.mark.parametrize("query", [b"", b"?a=" + b"b" * 20_000])
async def test_a_path_longer_than_any_is_refused(
    server: Server, size: int, status: bytes, query: bytes
) -> None:
    """A path longer than any route is refused, however long its query string may be."""
    async with connected(server) as (reader, writer):
        path = b"/" + b"%41" * ((size - 1) // 3) + b"a" * ((size - 1) % 3)
        writer.write(b"GET %b%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (path, query))
        said = await rest(reader)
    assert said.startswith(b"HTTP/1.1 " + status)


async def test_headers_without_end_are_refused(server: Server) -> None:
    """Headers without end are refused once they are larger than any client's."""
    async with connected(server) as (reader, writer):
        writer.write(HEAD + b"X-Padding: " + b"a" * (70 * 1024))
        said = await rest(reader)
    assert said.startswith(b"HTTP/1.1 431 ")


async def test_what_is_not_http_is_refused(server: Server) -> None:
    """Bytes that are not HTTP get status 400 and a closed connection."""
    async with connected(server) as (reader, writer):
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        said = await rest(reader)
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def wait_for_status(http: httpx.AsyncClient, url: str, status: int) -> None:
    """Ask until the answer has a status."""
    async with asyncio.timeout(PATIENCE):
        answered = 0
        while answered != status:
            answered = (await http.get(url)).status_code


async def test_too_many_connections_are_told(database_url: str, tmp_path: Path) -> None:
    """Too many connections get status 503, but for health, and the next one is answered later."""
    # Idle connections stay for as long as the test takes.
    settings = {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(tmp_path / "data"),
        "REQUEST_TIMEOUT": str(PATIENCE),
        "MAX_CONNECTIONS": "20",
    }
    with started(tmp_path / "log", settings=settings) as server:
        await asyncio.to_thread(server.wait_until_ready)
        await fill_up(server)


async def fill_up(server: Server) -> None:
    """Take all connections of a server, and leave them again."""
    url = f"{server.address}?query={{__typename}}"
    health = server.address.replace("graphql", "health/live")
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        async with asyncio.TaskGroup() as group:
            full = asyncio.Event()

            async def hold() -> None:
                async with connected(server):
                    await full.wait()

            for _ in range(20):
                group.create_task(hold())
            await wait_for_status(http, url, 503)
            assert (await http.get(health)).status_code == 200
            full.set()
        await wait_for_status(http, url, 200)
