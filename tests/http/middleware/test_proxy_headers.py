"""Whose address counts behind proxies."""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_network

import httpx
import orjson
import pytest
from pydantic import ValidationError
from starlette.types import ASGIApp

from tests.support.accounts import PASSWORD, Account
from todo_gql.app import create_app
from todo_gql.settings import Settings

LOGIN = """
mutation ($name: String!, $password: String!) {
  login(input: { usernameOrEmail: $name, password: $password }) { tokens { accessToken } }
}
"""
SESSIONS = "{ sessions { ipAddress isCurrent } }"
PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]

From = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def coming_from(app: ASGIApp, settings: Settings, database_url: str) -> From:
    """Gives a client whose connection comes from an address, of a server behind proxies."""
    changed = settings.model_copy(update={"trusted_proxies": PROXIES, "rate_limit_requests": 1})
    application = create_app(changed, database_url)

    @asynccontextmanager
    async def connect(address: str) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(application, client=(address, 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://todo.test") as http:
            yield http

    return connect


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.7", "198.51.100.7"),
        ("10.1.2.3", "192.0.2.66, 198.51.100.7", "198.51.100.7"),
        ("10.1.2.3", "192.0.2.66, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.1.2.3", "2001:db8::7", "2001:db8::7"),
        ("10.1.2.3", f"{'192.0.2.66, ' * 2_000}198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.1.2.3", "," * 20_000 + "198.51.100.7", "198.51.100.7"),
        ("10.1.2.3", "1" * 20_000, "10.1.2.3"),
        ("fd00::1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7", "127.0.0.1"),
    ],
)
async def test_a_session_comes_from_the_client(
    coming_from: From, account: Account, peer: str, forwarded: str | None, seen: str
) -> None:
    """The last address that is no trusted proxy's, and the peer's where it is none itself."""
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    given = {"name": account.username, "password": PASSWORD}
    async with coming_from(peer) as http:
        body = {"query": LOGIN, "variables": given}
        payload = (await http.post("/graphql", json=body, headers=headers)).json()
    token = payload["data"]["login"]["tokens"]["accessToken"]
    sessions = (await account.execute(SESSIONS, token=token))["data"]["sessions"]
    assert [one["ipAddress"] for one in sessions if one["isCurrent"]] == [seen]


async def test_nobody_escapes_a_limit_by_a_header(coming_from: From) -> None:
    """Who isn't behind a proxy is counted by the connection, whatever they claim."""
    body = {"query": "{ __typename }"}
    async with coming_from("203.0.113.10") as http:
        statuses = [
            (
                await http.post("/graphql", json=body, headers={"X-Forwarded-For": f"192.0.2.{n}"})
            ).status_code
            for n in range(3)
        ]
    assert statuses == [200, 429, 429]


async def test_people_behind_a_proxy_are_counted_apart(coming_from: From) -> None:
    """People behind a proxy are counted by their own addresses."""
    body = {"query": "{ __typename }"}
    async with coming_from("10.0.0.1") as http:
        statuses = [
            (
                await http.post("/graphql", json=body, headers={"X-Forwarded-For": address})
            ).status_code
            for address in ("192.0.2.101", "192.0.2.102", "192.0.2.101")
        ]
    assert statuses == [200, 200, 429]


async def test_the_log_names_the_client(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log names the client and not the proxy."""
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    changed = settings.model_copy(update={"log_level": "INFO"})
    transport = httpx.ASGITransport(create_app(changed, database_url), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://todo.test") as http:
        await http.get("/", headers={"X-Forwarded-For": "198.51.100.7"})
    assert orjson.loads(log.getvalue())["client"] == "198.51.100.7"


def test_proxies_are_networks() -> None:
    """Anything else is told at the start."""
    given = Settings(_env_file=None, trusted_proxies="10.0.0.0/8, 192.0.2.1")
    assert [str(one) for one in given.trusted_proxies] == ["10.0.0.0/8", "192.0.2.1/32"]
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(_env_file=None, trusted_proxies="proxy.example")
