"""The client for users' URLs beside servers on loopback, which it must not reach, or must not obey."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from gzip import compress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.https_servers import Authority, Handler, https_server
from tests.support.waiting import until
from todo_gql.outbound.addresses import AllowedHosts
from todo_gql.outbound.client import MAX_ANSWER_BYTES, OutboundClient, RequestFailed
from todo_gql.outbound.resolver import THREADS

pytestmark = pytest.mark.own_schema

LOOPBACK = AllowedHosts.parse(["127.0.0.0/8"])
# Names that only this machine has, and notations of its addresses that parsers read differently.
HOSTS_OF_THIS_MACHINE = (
    *("127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0"),  # noqa: S104
    *("localhost", "localhost.", "LOCALHOST", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::7f00:1]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::1]", "[fe80::1]", "169.254.169.254", "224.0.0.1"),
)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that clients made from now on trust."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@dataclass
class Listener:
    """A port on loopback that accepts connections, and counts them."""

    port: int
    connections: list[Any] = field(default_factory=list)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """Listen on loopback of both families where there are both."""
    listener = Listener(0)

    def accept(reader: Any, writer: asyncio.StreamWriter) -> None:
        listener.connections.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


async def ok(_request: web.BaseRequest) -> web.StreamResponse:
    """Answer 201."""
    return web.Response(status=201, text="fine")


async def failure(client: OutboundClient, url: str) -> str:
    """Why a request fails, which it must."""
    with pytest.raises(RequestFailed) as failed:
        await client.post(url, b"body", {})
    return str(failed.value)


@pytest.mark.parametrize("host", HOSTS_OF_THIS_MACHINE)
async def test_nothing_connects_to_this_machine(host: str) -> None:
    """No connection to this machine is opened, whatever the host of a URL is called."""
    async with listening() as listener, OutboundClient(AllowedHosts.parse([])) as client:
        reason = await failure(client, f"https://{host}:{listener.port}/")
        assert listener.connections == []
    assert any(word in reason for word in ("public", "no URL", "no such host", "be reached")), (
        reason
    )


async def test_a_host_is_looked_up_once(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was checked is the one connected to: a second look-up would have another."""
    looked_up = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) % 2 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    tls = authority.server_context("rebinding.example")
    allowed = AllowedHosts.parse(["127.0.0.1"])
    async with https_server(ok, tls) as port, OutboundClient(allowed) as client:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        url = f"https://rebinding.example:{port}/"
        assert (await client.post(url, b"", {})).status == 201
        assert looked_up == ["rebinding.example"]


async def test_a_name_with_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is refused by what it is looked up as, in words that don't say the address."""

    def getaddrinfo(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        addresses = ("127.0.0.1", "10.0.0.7")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    async with listening() as listener, OutboundClient(AllowedHosts.parse([])) as client:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        reason = await failure(client, f"https://intranet.example:{listener.port}/")
        assert reason == "The host has no public address."
        assert listener.connections == []


async def test_an_allowed_name_is_reached_at_any_address(authority: Authority) -> None:
    """WEBHOOK_ALLOWED_HOSTS may name a host instead of its network."""
    tls = authority.server_context("localhost")
    allowed = AllowedHosts.parse(["localhost"])
    async with https_server(ok, tls) as port, OutboundClient(allowed) as client:
        answer = await client.post(f"https://localhost:{port}/", b"", {})
        assert (answer.status, answer.body) == (201, b"fine")
        await failure(client, f"https://127.0.0.1:{port}/")


@asynccontextmanager
async def reaching(
    handler: Handler, authority: Authority, seconds: float = 15
) -> AsyncIterator[tuple[OutboundClient, str]]:
    """A client that may reach a server on loopback, and the server's URL."""
    tls = authority.server_context("127.0.0.1")
    async with (
        https_server(handler, tls) as port,
        OutboundClient(LOOPBACK, seconds=seconds) as client,
    ):
        yield client, f"https://127.0.0.1:{port}"


async def test_redirects_are_answers(authority: Authority) -> None:
    """A redirect is returned, and its target isn't requested."""
    paths = []

    async def redirect(request: web.BaseRequest) -> web.StreamResponse:
        paths.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async with reaching(redirect, authority) as (client, url):
        assert (await client.post(f"{url}/first", b"", {})).status == 307
    assert paths == ["/first"]


async def test_proxies_of_the_environment_are_not_used(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY and ALL_PROXY don't lead requests through another host."""
    async with listening() as proxy, reaching(ok, authority) as (client, url):
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert (await client.post(url, b"", {})).status == 201
        assert proxy.connections == []


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_only_the_start_of_an_answer_is_read(authority: Authority, encoding: str) -> None:
    """Only 4 KB of a long answer are read, and a compressed one isn't decompressed."""
    long = b"x" * 10_000_000
    body = long if encoding == "identity" else compress(long)

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    async with reaching(answer, authority) as (client, url):
        received = await client.post(url, b"", {})
    assert received.body == body[:MAX_ANSWER_BYTES]
    assert len(received.body) == MAX_ANSWER_BYTES == 4096


@pytest.mark.parametrize("stage", ["head", "body"])
async def test_slow_answers_are_given_up(authority: Authority, stage: str) -> None:
    """A server that doesn't answer in time is left, before its head and within its body."""

    async def never(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        if stage == "body":
            await response.prepare(request)
            await response.write(b"x")
        await asyncio.sleep(60)
        return response

    async with reaching(never, authority, seconds=0.3) as (client, url):
        assert "within 0.3 seconds" in await failure(client, url)


async def test_certificates_are_verified(tmp_path: Path) -> None:
    """A server whose certificate no trusted authority signed isn't sent anything."""
    requests = []

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        requests.append(request.path)
        return web.Response()

    async with reaching(note, Authority(tmp_path)) as (client, url):
        assert "certificate" in await failure(client, url)
    assert requests == []


async def test_a_certificate_must_be_for_the_host(authority: Authority) -> None:
    """A trusted certificate of another host isn't accepted."""
    tls = authority.server_context("other.example")
    async with https_server(ok, tls) as port, OutboundClient(LOOPBACK) as client:
        assert "certificate" in await failure(client, f"https://127.0.0.1:{port}/")


async def test_no_cookie_is_sent_back(authority: Authority) -> None:
    """What a server sets as cookie isn't sent with later requests, which use the same connection."""
    cookies, peers = [], set()

    async def set_cookie(request: web.BaseRequest) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        assert request.transport
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(headers={"Set-Cookie": "a=b; Path=/"})

    async with reaching(set_cookie, authority) as (client, url):
        await client.post(url, b"", {})
        await client.post(url, b"", {})
    assert cookies == [None, None]
    assert len(peers) == 1


async def test_what_no_http_server_answers_fails(authority: Authority) -> None:
    """An answer that isn't HTTP, and a connection that is refused, fail with a reason for users."""

    async def nonsense(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport
        request.transport.write(b"nonsense\r\n\r\n")
        request.transport.close()
        return web.Response()

    async with reaching(nonsense, authority) as (client, url):
        assert "can't be reached" in await failure(client, url)
    async with OutboundClient(LOOPBACK) as client:
        assert "can't be reached" in await failure(client, "https://127.0.0.1:1025/")


async def test_slow_name_servers_delay_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that take long to look up leave the event loop's own threads to others."""
    release, asked = threading.Event(), []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        release.wait(30)
        raise socket.gaierror

    async with OutboundClient(AllowedHosts.parse([]), seconds=1) as client:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", getaddrinfo)
            hosts = [f"https://slow-{number}.example/" for number in range(40)]
            reasons = asyncio.gather(*(failure(client, host) for host in hosts))
            await until(lambda: len(asked) == THREADS)
            assert await asyncio.to_thread(lambda: "at once") == "at once"
            assert {"within 1 seconds" in reason for reason in await reasons} == {True}
            release.set()
