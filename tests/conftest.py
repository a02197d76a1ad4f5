"""One database and one application for the run; tests stay apart by having accounts of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, NewAccount, registered, visiting
from tests.support.applications import running
from tests.support.browsing import chromium
from tests.support.databases import fresh_database
from tests.support.fuzzing import register_profiles
from tests.support.mailbox import Mailbox, delivering
from tests.support.statements import Statements, recording
from tests.support.subscribers import listening
from tests.support.waiting import PutForward
from todo_gql.app import create_app
from todo_gql.database import migrations
from todo_gql.database.connection import fetch
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.security.passwords import hashing_threads
from todo_gql.settings import Settings

register_profiles()

# What nohup or a shell starts in the background ignores these, and so would all that it starts.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


# Rooms with the longest modules: they start programs, or try thousands of operations.
LONGEST = (
    "schema",
    "server",
    "jobs",
    "embedded_postgres",
    "observability",
    "cli",
    "database",
    "execution",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest modules, so that no process of the run is left with one in the end."""

    def is_short(item: pytest.Item) -> bool:
        return item.path.relative_to(Path(__file__).parent).parts[0] not in LONGEST

    items.sort(key=is_short)


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


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server: the one of TEST_DATABASE_URL, or an embedded one of the run's own."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as url:
        yield url


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
        # That of RFC 8291, appendix A.
        vapid_private_key=SecretStr("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        # Push services of tests listen there.
        webhook_allowed_hosts=["127.0.0.1"],
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


@pytest.fixture(scope="session")
async def app(settings: Settings, database_url: str) -> AsyncIterator[ASGIApp]:
    """The running application."""
    app = create_app(settings, database_url)
    async with running(app):
        yield app


@pytest.fixture(scope="module")
async def address(app: ASGIApp, settings: Settings) -> AsyncIterator[str]:
    """Host and port of the application on a server of this process."""
    async with listening(app, settings) as address:
        yield address


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[Client]:
    """Somebody who isn't signed in."""
    async with visiting(app) as client:
        yield client


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


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[Statements]]:
    """Records the statements that what is done in a block sends."""
    return partial(recording, monkeypatch)


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
