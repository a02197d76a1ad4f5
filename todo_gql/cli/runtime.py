"""What all commands need: the database, migrations, and errors for people."""

import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import asyncpg
import typer
from tortoise.exceptions import DBConnectionError, OperationalError

from todo_gql.database import migrations
from todo_gql.database.character_type import UnfitDatabase
from todo_gql.database.connection import server_version
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import (
    DataDirInUse,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    running_url,
)
from todo_gql.server.signals import ENDING_SIGNALS, run_until_signal, stop_at_signals
from todo_gql.settings import Settings

Result = TypeVar("Result")

# How long another process may take to start or stop the database that both use.
SHARING_SECONDS = 15
EMBEDDED_ADVICE = (
    "Searches for words in other letters than A to Z are slow: this machine has none of the locales"
    " C.UTF-8 and en_US.UTF-8, or its disk no room to create the index of texts again. Both are"
    " looked for at each start."
)
DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    DBConnectionError,
    OperationalError,
    OSError,
    TimeoutError,
)


def fail(message: str) -> NoReturn:
    """Print an error message and exit with status 1."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    raise typer.Exit(1)


def address_of(host: str, port: int) -> str:
    """The URL of a server that listens at a host and port."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def reason_of(error: OSError) -> str:
    """The reason of a failed bind, without the address, which Python appends in brackets."""
    return str(error.strerror).partition(" (")[0]


@contextmanager
def database(settings: Settings, *, shared: bool = True) -> Iterator[str]:
    """Yield the URL of DATABASE_URL's database, or start the embedded one within the block.

    An embedded one that another process runs is used too, if it may be `shared`. Exits with status 1
    if it can't be started.
    """
    stop_at_signals()
    if settings.database_url:
        yield settings.database_url
        return
    try:
        postgres = EmbeddedPostgres(settings.data_dir)
        if postgres.is_new:
            typer.echo(f"Creating a PostgreSQL database in {settings.data_dir.resolve()}.")
        url = _started_or_shared(postgres, settings) if shared else postgres.start()
    except EmbeddedPostgresError as error:
        fail(str(error))
    try:
        yield url
    finally:
        # A second Ctrl-C must not leave PostgreSQL behind.
        for number in (signal.SIGINT, *ENDING_SIGNALS):
            signal.signal(number, signal.SIG_IGN)
        postgres.stop()


def _started_or_shared(postgres: EmbeddedPostgres, settings: Settings) -> str:
    """The URL of the embedded database, started here or by the process that locks the folder."""
    deadline = time.monotonic() + SHARING_SECONDS
    while True:
        try:
            return postgres.start()
        except DataDirInUse:
            if url := running_url(settings.data_dir):
                return url
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def run_connected(settings: Settings, url: str, work: Callable[[], Awaitable[Result]]) -> Result:
    """Do some work on the database, in an event loop of its own."""
    try:
        return run_until_signal(connected(settings, url, work))
    except UnfitDatabase as error:
        fail(str(error))
    except DATABASE_ERRORS as error:
        fail(f"The database can't be used: {str(error) or type(error).__name__}")


async def connected(settings: Settings, url: str, work: Callable[[], Awaitable[Result]]) -> Result:
    """Do some work on the database; one of `DATABASE_ERRORS` where it can't be used."""
    few_connections = {"database_pool_size": 1, "database_max_overflow": 1}
    await connect(url, settings.model_copy(update=few_connections))
    try:
        await server_version()
        return await work()
    finally:
        await disconnect()


def migrated(settings: Settings, url: str) -> list[str]:
    """Apply the missing migrations, and return their names.

    A new database whose character type doesn't cover all letters is rejected; one with todos only
    causes a warning, since it has to be created again before it can be upgraded otherwise. So does an
    embedded one, whose start gives it the best character type of this machine.
    """

    async def work() -> tuple[list[str], str | None]:
        applied = await migrations.migrate(any_letters=not settings.database_url)
        return applied, await migrations.advice_on_letters()

    applied, advice = run_connected(settings, url, work)
    if advice:
        warn(advice if settings.database_url else EMBEDDED_ADVICE)
    return applied


def warn(message: str) -> None:
    """Print a warning."""
    typer.secho(f"Warning: {message}", err=True, fg=typer.colors.YELLOW)


def prepare(settings: Settings, url: str, *, migrate: bool = False) -> None:
    """Migrate an embedded database, or any with `migrate`; else exit if migrations are missing.

    Prints a warning if the database's character type doesn't cover all letters.
    """
    if migrate or not settings.database_url:
        for name in migrated(settings, url):
            typer.echo(f"Applied the migration {name}.")
        return

    async def work() -> tuple[list[str], str | None]:
        missing = await migrations.unapplied_migrations()
        return missing, None if missing else await migrations.advice_on_letters()

    missing, advice = run_connected(settings, url, work)
    if missing:
        lines = "\n".join(f"  {name}" for name in missing)
        fail(f"The database lacks these migrations:\n{lines}\nApply them: todo-gql migrate")
    if advice:
        warn(f"{advice.splitlines()[0]} The command that shows what to do: todo-gql migrate")
