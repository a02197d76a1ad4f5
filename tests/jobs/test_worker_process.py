"""The worker as a process: its start, its stop, and a database that goes away and comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import orjson
import pytest
from pgqueuer.adapters.persistence.queries import Queries
from starlette.types import ASGIApp

from tests.support.accounts import PASSWORD, REGISTER, Account
from tests.support.databases import fresh_database
from tests.support.mailbox import Mailbox, receiving
from tests.support.processes import CommandLine, Server, clean_environment, command_line, started
from tests.support.waiting import until
from tests.support.worker_processes import started_worker
from todo_gql.database.connection import fetch
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.features.accounts.email.password_reset import START_RESET
from todo_gql.settings import Settings

RESET = "Set a new password"
VERIFICATION = "Confirm your e-mail address"
READY = "The worker is ready. Stop it with Ctrl-C."
WORKERS = (
    "SELECT FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'todo_gql worker'"
)


@pytest.fixture
async def box(app: ASGIApp) -> AsyncIterator[Mailbox]:
    """Everybody's mails, with nothing in the queue before the test and after it."""
    await fetch("DELETE FROM pgqueuer")
    yield Mailbox()
    await fetch("DELETE FROM pgqueuer")


@pytest.fixture(scope="module")
def typing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Command lines in a folder without settings."""
    folder = tmp_path_factory.mktemp("commands")
    with command_line(folder, clean_environment()) as typing:
        yield typing.having(DATA_DIR=str(folder / "data"))


def environment(url: str, database_url: str, settings: Settings, folder: Path) -> dict[str, str]:
    """What sets a worker that sends to an SMTP server."""
    assert settings.secret_key
    return {
        "DATABASE_URL": database_url,
        "SMTP_URL": url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "DATA_DIR": str(folder / "data"),
        "BCRYPT_ROUNDS": "4",
    }


def has_taken(pid: int, number: signal.Signals) -> bool:
    """Whether no such signal waits for a process to take it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pending = [line for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return not any(int(line.split()[1], 16) & 1 << number - 1 for line in pending)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it_after_the_mail_under_way(
    box: Mailbox,
    account: Account,
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    """Told to stop in the midst of a mail, twice even, it sends that and ends with status 0."""
    go_on = asyncio.Event()
    box.before_taking = go_on.wait
    async with receiving(box) as url:
        given = environment(url, database_url, settings, tmp_path)
        with started_worker(tmp_path / "log", **given) as worker:
            await box.is_tried()
            worker.process.send_signal(number)
            await until(lambda: has_taken(worker.process.pid, number))
            stopping = asyncio.create_task(asyncio.to_thread(worker.stop, number))
            await until(lambda: has_taken(worker.process.pid, number))
            assert worker.process.poll() is None
            go_on.set()
            assert await stopping == f"{READY}\nStopped.\n"
            assert worker.process.returncode == 0
    assert (box.tries, box.deliveries) == (1, 1)
    assert await fetch("SELECT FROM pgqueuer") == []


async def test_database_goes_and_comes_back(
    settings: Settings, tmp_path: Path, typing: CommandLine
) -> None:
    """A worker waits for a lost database, stops when signalled, and goes on sending afterwards."""
    box = Mailbox()
    postgres = EmbeddedPostgres(tmp_path / "data", durable=False)
    database_url = postgres.start()
    try:
        place = typing.having(DATABASE_URL=database_url)
        assert place("migrate").status == 0
        ada = ("user", "create", "ada", "ada@example.com", "--password-stdin")
        assert place(*ada, typed=PASSWORD).status == 0
        async with receiving(box) as url:
            given = environment(url, database_url, settings, tmp_path)
            log = tmp_path / "log"
            with started_worker(log, **given) as steady, started_worker(log, **given) as other:
                for worker in (steady, other):
                    await asyncio.to_thread(worker.wait_until_ready)
                await asyncio.to_thread(postgres.stop)
                await until(lambda: log.read_text().count("the queue can't be reached") >= 2)
                assert await asyncio.to_thread(other.stop) == "Stopped.\n"
                assert other.process.returncode == 0
                await asyncio.to_thread(postgres.start)
                await ask_for_reset(database_url, "ada@example.com")
                await box.arrival("ada@example.com", RESET)
                assert await asyncio.to_thread(steady.stop) == "Stopped.\n"
                assert steady.process.returncode == 0
    finally:
        postgres.stop()


async def ask_for_reset(database_url: str, email: str) -> None:
    """Put into another database's queue what asks for a new password."""
    connection = await asyncpg.connect(database_url)
    asked = orjson.dumps({"email": email, "mail_id": str(uuid4())})
    await Queries.from_asyncpg_connection(connection).enqueue(START_RESET, asked)
    await connection.close()


def register(server: Server, name: str) -> None:
    """Make an account."""
    given = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert server.execute(REGISTER, input=given)["register"]["errors"] == []


@pytest.mark.own_schema
async def test_database_without_tables_is_told(server_url: str, typing: CommandLine) -> None:
    """A worker doesn't start on a database that nobody migrated, and says what to do."""
    async with fresh_database(server_url) as url:
        answer = typing("worker", DATABASE_URL=url)
    assert (answer.status, answer.said) == (1, "")
    assert answer.complained.startswith("The database lacks these migrations:\n  0001_initial\n")
    assert answer.complained.endswith("Apply them: todo-gql migrate\n")


@pytest.mark.own_schema
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_during_the_start(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    """Who changes their mind while the database doesn't answer gets a word, and status 0."""
    is_asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as database:
        port = database.sockets[0].getsockname()[1]
        url = f"postgresql://todo@127.0.0.1:{port}/todo"
        given = environment("smtp://127.0.0.1:1", url, settings, tmp_path)
        with started_worker(tmp_path / "log", **given) as worker:
            await is_asked.wait()
            assert await asyncio.to_thread(worker.stop, number) == "Stopped.\n"
            assert worker.process.returncode == 0
    assert (tmp_path / "log").read_text() == ""


def test_embedded_server_sends_by_itself(tmp_path: Path) -> None:
    """The embedded server does the jobs itself, and mails with its links lie in the outbox."""
    data_dir = tmp_path / "data"
    with started(tmp_path / "log", settings={"DATA_DIR": str(data_dir)}) as server:
        server.wait_until_ready()
        register(server, "ada")
        [path] = written(data_dir / "outbox")
        address = server.address.removesuffix("/graphql")
        assert f"{address}/account/verify?token=" in path.read_text().replace("=\n", "")


def written(outbox: Path) -> list[Path]:
    """The mails in an outbox, once there are any."""

    async def wait() -> None:
        await until(lambda: any(outbox.glob("*.eml")))

    asyncio.run(wait())
    return list(outbox.glob("*.eml"))


async def test_server_leaves_the_jobs_to_workers_unless_told(
    box: Mailbox, settings: Settings, database_url: str, tmp_path: Path
) -> None:
    """A server with DATABASE_URL sends mails only with --worker."""
    async with receiving(box) as url:
        given = environment(url, database_url, settings, tmp_path)
        with started(tmp_path / "log", settings=given) as server:
            await asyncio.to_thread(server.wait_until_ready)
            await asyncio.to_thread(register, server, "patient")
            # A worker listens on a connection of its own from its start on.
            assert await fetch(WORKERS) == []
            assert box.tries == 0
            assert len(await fetch("SELECT FROM pgqueuer WHERE status = 'queued'")) == 1
            await asyncio.to_thread(server.stop, signal.SIGTERM)
        with started(tmp_path / "log", "--worker", settings=given) as server:
            await box.arrival("patient@example.com", VERIFICATION)
            assert len(await fetch(WORKERS)) == 1
            await asyncio.to_thread(server.stop, signal.SIGTERM)
    assert (box.tries, box.deliveries) == (1, 1)
