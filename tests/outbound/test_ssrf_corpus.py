"""Ways to have the server reach a private address by a URL: all refused, for webhooks and for pushes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import pytest
from aiohttp import web

from tests.support.https_servers import Authority, https_server
from tests.support.push_services import Browser as PushedBrowser
from todo_gql.features.webhooks.attempts import attempt
from todo_gql.outbound.addresses import AllowedHosts
from todo_gql.outbound.client import OutboundClient
from todo_gql.outbound.urls import url_problem
from todo_gql.push.keys import push_key
from todo_gql.push.message import PushMessage
from todo_gql.push.sender import Browser, PushDelayed, PushRefused, PushSender
from todo_gql.settings import Settings

pytestmark = pytest.mark.own_schema

LOOPBACK: Final = "127.0.0.1"
# What stands for a host or a whole URL; {port} is that of a listener on loopback.
HOSTS: Final = {
    "loopback": "127.0.0.1",
    "another loopback": "127.8.9.10",
    "the last loopback": "127.255.255.254",
    "decimal": "2130706433",
    "octal": "0177.0.0.1",
    "octal, as one number": "017700000001",
    "hexadecimal": "0x7f000001",
    "hexadecimal parts": "0x7f.0x0.0x0.0x1",
    "two parts": "127.1",
    "three parts": "127.0.1",
    "mixed notations": "0x7f.0.0.01",
    "leading zeros": "127.000.000.001",
    "an overflow": "4294967297",
    "unspecified": "0.0.0.0",  # noqa: S104
    "zero": "0",
    "percent-encoded": "%31%32%37.0.0.1",
    "full-width digits": "１２７.０.０.１",  # noqa: RUF001
    "digits in circles": "①②⑦.⓪.⓪.①",
    "ideographic full stops": "127。0。0。1",
    "a trailing dot": "127.0.0.1.",
    "localhost": "localhost",
    "localhost, absolute": "localhost.",
    "localhost in capitals": "LOCALHOST",
    "localhost in full width": "ｌｏｃａｌｈｏｓｔ",  # noqa: RUF001
    "below localhost": "hooks.localhost",
    "IPv6 loopback": "[::1]",
    "IPv6 loopback in full": "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "IPv6 unspecified": "[::]",
    "IPv4-mapped": "[::ffff:127.0.0.1]",
    "IPv4-mapped in hexadecimal": "[::ffff:7f00:1]",
    "IPv4-compatible": "[::127.0.0.1]",
    "IPv4-translated": "[::ffff:0:127.0.0.1]",
    "NAT64": "[64:ff9b::127.0.0.1]",
    "local NAT64": "[64:ff9b:1::7f00:1]",
    "6to4": "[2002:7f00:1::1]",
    "Teredo": "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "link-local": "[fe80::1]",
    "a zone": "[fe80::1%251]",
    "a bare zone": "[fe80::1%1]",
    "unique local": "[fd00::1]",
    "metadata of clouds": "169.254.169.254",
    "metadata in decimal": "2852039166",
    "metadata of EC2 in IPv6": "[fd00:ec2::254]",
    "metadata of Alibaba": "100.100.100.200",
    "the server of Azure": "168.63.129.16",
    "private 10": "10.0.0.1",
    "private 172": "172.16.0.1",
    "private 192": "192.168.0.1",
    "carriers' own": "100.64.0.1",
    "broadcast": "255.255.255.255",
    "multicast": "224.0.0.1",
}
URLS: Final = {
    "a user before the address": "https://example.com@127.0.0.1:{port}/",
    "a password with an address": "https://user:example.com@127.0.0.1:{port}/",
    "a backslash": "https://example.com\\@127.0.0.1:{port}/",
    "a fragment before the address": "https://127.0.0.1:{port}#@example.com/",
    "white space": "https://127.0.0.1:{port} .example.com/",
    "a line break": "https://127.0.0.1:{port}/\r\nHost: example.com",
    "plain http": "http://127.0.0.1:{port}/",
    "another scheme": "gopher://127.0.0.1:{port}/",
    "a file": "file:///etc/passwd",
    "a reserved port": "https://example.com:22/",
    "no host": "https:///127.0.0.1:{port}/",
}
ADDRESSES: Final = {
    "loopback": ["127.0.0.1"],
    "a private address": ["10.0.0.7"],
    "metadata": ["169.254.169.254"],
    "IPv4-mapped": ["::ffff:127.0.0.1"],
    "NAT64": ["64:ff9b::7f00:1"],
    "several, all private": ["127.0.0.1", "::1", "192.168.0.1"],
}


@dataclass
class Listener:
    """A port on loopback that counts who connects."""

    port: int = 0
    connections: list[Any] = field(default_factory=list)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """Listen on loopback, of IPv6 too where there is any."""
    listener = Listener()

    def accept(_reader: Any, writer: asyncio.StreamWriter) -> None:
        listener.connections.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(accept, LOOPBACK, 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


async def try_webhook(client: OutboundClient, settings: Settings, url: str) -> str:
    """Why a webhook can't be sent to a URL, which it must not."""
    webhook: Any = {
        "id": UUID(int=1),
        "url": url,
        "secret_generation": 1,
        "old_secrets_until": "[]",
    }
    made = await attempt(client, settings, webhook, UUID(int=2), "{}")
    assert (made.succeeded, made.status) == (False, None)
    return made.error or ""


async def try_push(client: OutboundClient, settings: Settings, url: str) -> str:
    """Why a push can't be sent to a URL, which it must not."""
    if problem := url_problem(url, client.allowed):
        # Nobody can subscribe with it.
        return problem
    key = push_key(settings)
    assert key
    sent = PushedBrowser(url).input
    browser = Browser(url, sent["p256dh"], sent["auth"])
    message = PushMessage(title="T", body="B", url="?", tag="t")
    sender = PushSender(client, key, "mailto:operator@example.com")
    with pytest.raises((PushRefused, PushDelayed)) as refused:
        await sender.send(browser, message, topic="t")
    return str(refused.value)


Try = Callable[[OutboundClient, Settings, str], Any]
BOTH: Final = pytest.mark.parametrize("send", [try_webhook, try_push], ids=["webhook", "push"])
REASONS: Final = (
    "public",
    "no URL",
    "no such host",
    "must begin",
    "can't have",
    "The port",
    "be reached",
)


def assert_refused(reason: str) -> None:
    """The reason is one for users, which names no address."""
    assert any(words in reason for words in REASONS), reason


@BOTH
@pytest.mark.parametrize("name", HOSTS)
async def test_no_host_leads_to_a_private_address(name: str, send: Try, settings: Settings) -> None:
    """A host in whatever notation is refused before anything is connected to."""
    async with listening() as listener, OutboundClient(AllowedHosts.parse([])) as client:
        assert_refused(await send(client, settings, f"https://{HOSTS[name]}:{listener.port}/"))
        assert listener.connections == []


@BOTH
@pytest.mark.parametrize("name", URLS)
async def test_no_url_leads_to_a_private_address(name: str, send: Try, settings: Settings) -> None:
    """A URL that parsers read differently is refused, as is all that isn't https."""
    async with listening() as listener, OutboundClient(AllowedHosts.parse([])) as client:
        assert_refused(await send(client, settings, URLS[name].format(port=listener.port)))
        assert listener.connections == []


@BOTH
@pytest.mark.parametrize("name", ADDRESSES)
async def test_no_name_leads_to_a_private_address(
    name: str, send: Try, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is refused by all of the addresses that it has."""

    def getaddrinfo(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0))
            if ":" in one
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in ADDRESSES[name]
        ]

    async with listening() as listener, OutboundClient(AllowedHosts.parse([])) as client:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        reason = await send(client, settings, f"https://rebound.example:{listener.port}/")
        assert reason == "The host has no public address."
        assert listener.connections == []


@BOTH
async def test_an_answer_that_changes_is_checked_each_time(
    send: Try, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that had an allowed address, and has a private one at the next request, is refused then."""
    allowed, lookups = "127.0.0.2", list[str]()

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        lookups.append(host)
        address = allowed if len(lookups) == 1 else LOOPBACK
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async with listening() as listener, OutboundClient(AllowedHosts.parse([allowed])) as client:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        url = f"https://rebinding.example:{listener.port}/"
        # Nobody listens at the allowed address.
        assert "can't be reached" in await send(client, settings, url)
        assert await send(client, settings, url) == "The host has no public address."
        assert listener.connections == []


async def _redirected(
    authority: Authority, send: Try, settings: Settings, status: int, port: int
) -> list[str]:
    """The paths that a server was asked for that redirects to a port of loopback."""
    paths = list[str]()

    async def redirect(request: web.BaseRequest) -> web.StreamResponse:
        paths.append(request.path)
        return web.Response(status=status, headers={"Location": f"https://127.0.0.1:{port}/"})

    tls = authority.server_context("127.0.0.2")
    async with (
        https_server(redirect, tls, host="127.0.0.2") as own_port,
        OutboundClient(AllowedHosts.parse(["127.0.0.2"])) as client,
    ):
        url = f"https://127.0.0.2:{own_port}/first"
        if send is try_push:
            assert "answered" in await try_push(client, settings, url)
        else:
            webhook: Any = {
                "id": UUID(int=1),
                "url": url,
                "secret_generation": 1,
                "old_secrets_until": "[]",
            }
            made = await attempt(client, settings, webhook, UUID(int=2), "{}")
            assert (made.status, made.succeeded) == (status, False)
    return paths


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_leads_to_a_private_address(
    status: int, send: Try, settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect is an answer like any other failure."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with listening() as listener:
        paths = await _redirected(authority, send, settings, status, listener.port)
        assert paths == ["/first"]
        assert listener.connections == []


@BOTH
async def test_no_proxy_of_the_environment_is_used(
    send: Try, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that the environment names isn't connected to."""
    async with listening() as listener, OutboundClient(AllowedHosts.parse([])) as client:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
        assert_refused(await send(client, settings, "https://10.0.0.1/"))
        assert listener.connections == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_answers_of_own_networks_are_not_shown(
    host: str, settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An allowed host's answer is no way to read what only the server reaches."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async def secret(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=403, text="the secret of the intranet")

    tls = authority.server_context(host)
    async with (
        https_server(secret, tls) as port,
        OutboundClient(AllowedHosts.parse([host])) as client,
    ):
        webhook: Any = {
            "id": UUID(int=1),
            "url": f"https://{host}:{port}/",
            "secret_generation": 1,
            "old_secrets_until": "[]",
        }
        made = await attempt(client, settings, webhook, UUID(int=2), "{}")
    assert made.error == "The endpoint answered 403."


def test_the_corpus_is_large() -> None:
    """There are at least thirty ways, each another one."""
    ways = [*HOSTS.values(), *URLS.values(), *map(str, ADDRESSES.values())]
    assert len(set(ways)) == len(ways) >= 30
