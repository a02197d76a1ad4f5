"""What becomes of a session when trading its tokens goes wrong: only the server's word ends it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from clearing import clear_description, client_of
from follow import requests_of
from gql import gql
from session import NotNow, Session, Tokens
from todo_client import RegisterInput, TodoClient, TodoCreateInput

Newcomer = Callable[[], dict[str, str]]


def failed(code: str, reason: str | None = None) -> str:
    """An answer that has an error and no data."""
    return json.dumps(
        {"errors": [{"message": code, "extensions": {"code": code, "reason": reason}}]}
    )


def refused(code: str) -> str:
    """A payload without tokens."""
    errors = [{"code": code, "message": code}]
    return json.dumps({"data": {"tokenRefresh": {"tokens": None, "errors": errors}}})


# What is said when tokens are traded: a status and a body; None breaks the connection.
PASSING: dict[str, tuple[int, str] | None] = {
    "no database": (503, failed("UNAVAILABLE")),
    "too many requests": (429, failed("RATE_LIMITED")),
    "too many trades": (200, refused("RATE_LIMITED")),
    "a time limit": (200, failed("TIMEOUT")),
    "done or not": (200, failed("TIMEOUT", "OUTCOME_UNKNOWN")),
    "no payload": (200, '{"data":{"tokenRefresh":null}}'),
    "a page of a proxy": (502, "<h1>Bad Gateway</h1>"),
    "no GraphQL": (200, '{"ok":true}'),
    "null": (200, "null"),
    "a list": (200, "[]"),
    "nothing": (500, ""),
    "a broken connection": None,
}


class Proxy(BaseHTTPRequestHandler):
    """Passes on what is asked, but for trades of tokens."""

    protocol_version = "HTTP/1.1"
    server: "Faulty"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer a request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"tokenRefresh" not in body or self.server.is_well:
            token = self.headers.get("Authorization")
            headers = {"Content-Type": "application/json"} | (
                {"Authorization": token} if token else {}
            )
            real = httpx.post(self.server.real, content=body, headers=headers)
            self.answer(real.status_code, real.text, real.headers.get("WWW-Authenticate"))
        elif self.server.fault is None:
            self.close_connection = True
        else:
            self.answer(*self.server.fault)

    def answer(self, status: int, body: str, challenge: str | None = None) -> None:
        """Say something."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(body.encode())


class Faulty(ThreadingHTTPServer):
    """A proxy before the real server, with the fault that trades meet."""

    real: str
    fault: tuple[int, str] | None = None
    is_well = True


@pytest.fixture
def proxy(url: str) -> Iterator[Faulty]:
    """A proxy that is well until a test says otherwise."""
    with Faulty(("127.0.0.1", 0), Proxy) as proxy:
        proxy.real = url
        thread = Thread(target=proxy.serve_forever)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.fixture
async def session(proxy: Faulty, newcomer: Newcomer) -> Session:
    """Somebody new by way of the proxy."""
    url = f"http://127.0.0.1:{proxy.server_port}/graphql"
    registered = (await TodoClient(url).register(RegisterInput(**newcomer()))).register
    assert registered
    assert registered.tokens
    return Session(url, Tokens(registered.tokens.access_token, registered.tokens.refresh_token))


def wear(session: Session) -> Tokens:
    """Have the access token be one that the server refuses."""
    assert session.tokens
    session.tokens = Tokens("worn", session.tokens.refresh_token)
    return session.tokens


async def test_whatever_passes_keeps_the_tokens(proxy: Faulty, session: Session) -> None:
    """They are good again once it has passed."""

    async def kept(fault: tuple[int, str] | None) -> None:
        proxy.fault = fault
        with pytest.raises(NotNow):
            await client_of(session).todos()
        assert session.tokens is worn

    worn = wear(session)
    proxy.is_well = False
    for fault in PASSING.values():
        await kept(fault)
    proxy.is_well = True
    assert (await client_of(session).todos()).todos.total_count == 0
    assert session.tokens
    assert session.tokens.refresh_token != worn.refresh_token


@pytest.mark.parametrize("code", ["INVALID_TOKEN", "ACCOUNT_DISABLED"])
async def test_only_these_end_a_session(proxy: Faulty, session: Session, code: str) -> None:
    """Whoever asks then is told to sign in."""
    wear(session)
    proxy.is_well, proxy.fault = False, (200, refused(code))
    with pytest.raises(Exception, match="Sign in first"):
        await client_of(session).todos()
    assert session.tokens is None


async def test_requests_at_once_trade_once(session: Session) -> None:
    """Requests of both clients at the same time refresh the tokens once."""
    worn = wear(session)
    async with requests_of(session) as plain:
        asked = [plain.execute(gql("{ todos { totalCount } }")) for _ in range(3)]
        await asyncio.gather(*asked, *(client_of(session).todos() for _ in range(3)))
    assert session.tokens
    assert session.tokens.refresh_token != worn.refresh_token


async def test_a_description_is_cleared(session: Session) -> None:
    """A description is cleared, and nothing else changes."""
    client = client_of(session)
    created = (await client.create_todo(TodoCreateInput(title="Kept", description="x"))).todo_create
    assert created
    assert created.todo
    assert await clear_description(client, created.todo.id) == 2
    [stored] = (await client.todos()).todos.nodes
    assert (stored.title, stored.description) == ("Kept", None)
