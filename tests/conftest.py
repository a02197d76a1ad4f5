"""One database and one application for the run; tests stay apart by having accounts of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import hypothesis
import pytest
from asyncpg import Connection
from starlette.types import ASGIApp, Message

from tests.support.browsing import chromium
from tests.support.mailbox import Mailbox, delivering
from todo_gql.app import create_app
from todo_gql.database import migrations
from todo_gql.database.connection import fetch
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.security.passwords import hashing_threads
from todo_gql.settings import Settings

# Every run tries the same examples; `make fuzz` tries others, as many as it is told.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))
hypothesis.settings.register_profile(
    "steady", derandomize=True, max_examples=20, deadline=None, database=None
)
hypothesis.settings.register_profile("fuzz", max_examples=EXAMPLES, deadline=None, database=None)
hypothesis.settings.load_profile("steady")

# What nohup or a shell starts in the background ignores these, and so would all that it starts.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)

PASSWORD = "Correct1horse"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage of tests that are marked as untraced, since that doubles their time."""
    trace = sys.gettrace()
    if item.get_closest_marker("untraced"):
        sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)


REGISTER = """
mutation ($input: RegisterInput!) {
  register(input: $input) {
    user { id username }
    tokens { accessToken refreshToken }
    errors { code message path }
  }
}
"""


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server: the one of TEST_DATABASE_URL, or an embedded one of the run's own."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as url:
        yield url


@asynccontextmanager
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """An empty database of its own on the server, dropped in the end."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


@pytest.fixture
async def empty_url(server_url: str) -> AsyncIterator[str]:
    """A database without any table."""
    async with fresh_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that don't depend on the machine, with cheap password hashes."""
    return Settings(
        _env_file=None,
        secret_key="a key for tests that is long enough",
        bcrypt_rounds=4,
        data_dir=tmp_path_factory.mktemp("data"),
        backend_cors_origins=["https://app.example"],
        log_level="WARNING",
        # All tests share one address.
        rate_limit_credentials=0,
        rate_limit_credentials_per_address=0,
        rate_limit_requests=0,
        rate_limit_cost=0,
        # What tests do to sessions in SQL is to be seen at once.
        viewer_cache_seconds=0,
        # On a busy machine many are slow, and to ask for their plans takes statements.
        slow_operation_ms=0,
    )


@pytest.fixture(scope="session")
async def database_url(server_url: str, settings: Settings) -> AsyncIterator[str]:
    """A migrated database."""
    async with fresh_database(server_url) as url:
        await connect(url, settings)
        await migrations.migrate()
        await disconnect()
        yield url


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[None]:
    """The application between its start and its stop, as a server runs it."""
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    outgoing: asyncio.Queue[Message] = asyncio.Queue()
    lifespan = asyncio.ensure_future(
        app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, outgoing.put)
    )
    await incoming.put({"type": "lifespan.startup"})
    assert (await outgoing.get())["type"] == "lifespan.startup.complete"
    yield
    await incoming.put({"type": "lifespan.shutdown"})
    await lifespan


@pytest.fixture(scope="session")
async def app(settings: Settings, database_url: str) -> AsyncIterator[ASGIApp]:
    """The running application."""
    app = create_app(settings, database_url)
    async with running(app):
        yield app


@dataclass
class Client:
    """Somebody who sends GraphQL over HTTP."""

    http: httpx.AsyncClient

    async def post(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> httpx.Response:
        """The HTTP answer to one operation."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=headers)

    async def execute(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """The JSON answer to one operation, without what it says about the operation itself."""
        answer: dict[str, Any] = (await self.post(query, variables, token)).json()
        answer.pop("extensions", None)
        return answer


@dataclass
class Account(Client):
    """A registered user, signed in."""

    id: str
    username: str
    password: str
    token: str
    refresh_token: str

    @property
    def email(self) -> str:
        """The address that the account was registered with."""
        return f"{self.username}@example.com"

    async def execute(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """The JSON answer to one operation of this user's."""
        return await super().execute(query, variables, token or self.token)

    async def data(self, query: str, **variables: Any) -> Any:
        """The data of an operation that must have no errors."""
        answer = await self.execute(query, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The one top-level error of an operation that must fail."""
        [error] = (await self.execute(query, variables))["errors"]
        return dict(error)

    async def create(self, **values: Any) -> dict[str, Any]:
        """A todo just made, with the fields that tests ask about most."""
        payload = (await self.data(CREATE, input={"title": "Todo", **values}))["todoCreate"]
        assert payload["errors"] == [], payload
        return dict(payload["todo"])

    async def create_many(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Todos just made, in bulk calls of 100."""
        made: list[dict[str, Any]] = []
        for start in range(0, len(inputs), 100):
            data = await self.data(CREATE_MANY, inputs=inputs[start : start + 100])
            assert data["todoBulkCreate"]["errors"] == [], data
            made += [result["todo"] for result in data["todoBulkCreate"]["results"]]
        return made


TODO = """
fragment TodoParts on Todo {
  id title description status priority dueAt completedAt estimatedMinutes actualMinutes
  tags { id name todoCount } metadata isOverdue isCompleted version createdAt updatedAt deletedAt
}
"""
ERRORS = "errors { __typename code message path ... on ConflictError { current { id } } }"
CREATE = (
    "mutation ($input: TodoCreateInput!) { todoCreate(input: $input) {"
    f" todo {{ ...TodoParts }} {ERRORS} }} }} {TODO}"
)
CREATE_MANY = (
    "mutation ($inputs: [TodoCreateInput!]!) { todoBulkCreate(inputs: $inputs) {"
    f" results {{ todo {{ ...TodoParts }} {ERRORS} }} {ERRORS} }} }} {TODO}"
)


@asynccontextmanager
async def visiting(app: ASGIApp, address: str = "127.0.0.1") -> AsyncIterator[Client]:
    """Somebody who isn't signed in, for as long as the block."""
    transport = httpx.ASGITransport(app, client=(address, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://todo.test") as http:
        yield Client(http)


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[Client]:
    """Somebody who isn't signed in."""
    async with visiting(app) as client:
        yield client


async def registered(client: Client) -> Account:
    """A new user."""
    username = f"user-{uuid4().hex[:12]}"
    sent = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    payload = (await client.execute(REGISTER, {"input": sent}))["data"]["register"]
    assert payload["errors"] == [], payload
    tokens = payload["tokens"]
    return Account(
        client.http,
        payload["user"]["id"],
        username,
        PASSWORD,
        tokens["accessToken"],
        tokens["refreshToken"],
    )


NewAccount = Callable[[], Awaitable[Account]]


@pytest.fixture
def new_account(client: Client) -> NewAccount:
    """Makes accounts."""
    return lambda: registered(client)


@pytest.fixture
async def account(new_account: NewAccount) -> Account:
    """A user with nothing in their account."""
    return await new_account()


@pytest.fixture
async def stranger(new_account: NewAccount) -> Account:
    """Another user."""
    return await new_account()


@pytest.fixture
async def mailbox(app: ASGIApp, settings: Settings, database_url: str) -> AsyncIterator[Mailbox]:
    """The mails that a worker sends by SMTP from now on."""
    box = Mailbox()
    await fetch("DELETE FROM pgqueuer")
    async with delivering(box, settings, database_url):
        yield box


@dataclass
class Statements:
    """The statements that were sent to PostgreSQL."""

    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)


recording_here: ContextVar[bool] = ContextVar("recording_here", default=False)


@pytest.fixture
def recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Any]:
    """Records the statements that what is done in a block sends, and no task that ran before."""

    @contextmanager
    def record() -> Iterator[Statements]:
        statements = Statements()

        def recording(name: str) -> Callable[..., Any]:
            send = getattr(Connection, name)

            async def sent(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
                if recording_here.get():
                    statements.texts.append(query)
                return await send(self, query, *args, **kwargs)

            return sent

        with monkeypatch.context() as patch:
            for name in ("execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"):
                patch.setattr(Connection, name, recording(name))
            patch.setattr(Connection, "prepare", recording("prepare"))
            token = recording_here.set(True)
            try:
                yield statements
            finally:
                recording_here.reset(token)

    return record


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], Any]]]:
    """What the hashing threads are given to do."""
    executor = hashing_threads().executor
    submit, given = executor.submit, list[Callable[[], Any]]()

    def noting(work: Callable[[], Any]) -> Any:
        given.append(work)
        return submit(work)

    with monkeypatch.context() as patch:
        patch.setattr(executor, "submit", noting)
        yield given


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    """One headless Chromium for the run, of which each page begins as a stranger's."""
    async with chromium() as browser:
        yield browser


PutForward = Callable[[float], None]


@pytest.fixture(scope="session")
async def put_forward() -> PutForward:
    """Puts the clock of the event loop forward, for good: all that is due by then is done at once.

    The other clocks, which tell the time of day, stay as they are.
    """
    loop, passed = asyncio.get_running_loop(), 0.0
    time = loop.time

    def put(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    loop.time = lambda: time() + passed  # type: ignore[method-assign]
    return put


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the checkout."""
    return Path(__file__).parent.parent
