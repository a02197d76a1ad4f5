"""The command that checks the settings."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from uuid import UUID

import typer
from aiosmtplib import SMTPException
from redis.asyncio import Redis
from redis.exceptions import RedisError

from todo_gql.cli.configuration import (
    problem_report,
    problems_of_documents,
    problems_of_file,
    problems_of_mail,
    problems_of_public_url,
    problems_of_push,
    read_settings,
)
from todo_gql.cli.runtime import DATABASE_ERRORS, connected, fail
from todo_gql.database import migrations
from todo_gql.embedded_postgres.cluster import EmbeddedPostgresError
from todo_gql.embedded_postgres.programs import installation
from todo_gql.features.files.keys import original_key
from todo_gql.mail.transport import SMTPServer
from todo_gql.security.secret_key import secret_problem
from todo_gql.server.signals import run_until_signal
from todo_gql.settings import Settings
from todo_gql.storage.store import FileMissing
from todo_gql.storage.stores import s3_store

SECONDS = 5
CONNECTION_ERRORS = (*DATABASE_ERRORS, RedisError, SMTPException)


def check() -> None:
    """Check the settings, and that the servers they name answer; change nothing."""
    settings, problems = read_settings()
    unusable = {problem.partition(":")[0] for problem in problems}
    problems += [*problems_of_file(), *_problems_of(settings)]
    for name, request in _services(settings).items():
        if name in unusable:
            continue
        try:
            typer.echo(f"{name}: {run_until_signal(_within_timeout(request))}")
        except CONNECTION_ERRORS as error:
            problems.append(f"{name}: {str(error) or 'no answer'}")
    problems += _problems_of_files(settings)
    if problems:
        fail(problem_report(problems))
    if not settings.s3_endpoint:
        folder = settings.data_dir.resolve() / "files"
        typer.echo(
            f"DATA_DIR: files are stored in {folder}, which all servers and workers have to share."
        )
    typer.echo("The settings can be used.")


def _problems_of(settings: Settings) -> Iterator[str]:
    """The problems that prevent a server or a worker from starting."""
    if problem := secret_problem(settings):
        yield problem
    yield from problems_of_public_url(settings)
    yield from problems_of_mail(settings)
    yield from problems_of_push(settings)
    yield from problems_of_documents(settings)
    if not settings.database_url:
        try:
            installation()
        except EmbeddedPostgresError as error:
            yield str(error)


def _services(settings: Settings) -> dict[str, Callable[[], Awaitable[str]]]:
    """The services that the settings name, and a function for each that checks whether it answers."""

    async def database() -> str:
        assert settings.database_url

        async def state() -> tuple[int, str | None]:
            missing = len(await migrations.unapplied_migrations())
            return missing, None if missing else await migrations.advice_on_letters()

        missing, advice = await connected(settings, settings.database_url, state)
        if missing:
            raise OSError(f"the database lacks {missing} migrations: todo-gql migrate")
        if advice:
            raise OSError(f"{advice.splitlines()[0]} todo-gql migrate shows what to do.")
        return "the database answers, and has all migrations."

    async def redis() -> str:
        assert settings.redis_url
        async with Redis.from_url(settings.redis_url.get_secret_value()) as client:
            await client.ping()
        return "Redis or Valkey answers."

    async def smtp() -> str:
        assert settings.smtp_url
        try:
            server = SMTPServer.from_url(settings.smtp_url.get_secret_value())
        except ValueError:
            return "not checked."
        await server.greet()
        return "the mail server answers."

    requests: dict[str, Callable[[], Awaitable[str]]] = {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "SMTP_URL": smtp,
        "S3_ENDPOINT": partial(_ask_store, settings),
    }
    return {name: request for name, request in requests.items() if getattr(settings, name.lower())}


async def _ask_store(settings: Settings) -> str:
    """Ask the store of S3_ENDPOINT for a file that isn't there."""
    store = s3_store(settings)
    assert store
    with suppress(FileMissing):
        await store.size(original_key(UUID(int=0)))
    return "the store of files answers."


def _problems_of_files(settings: Settings) -> Iterator[str]:
    """Why no files can be stored on a disk, where they are to be."""
    if settings.s3_endpoint:
        return
    folder = settings.data_dir.resolve()
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield (
            f"DATA_DIR: no files can be stored, since {existing} can't be written to; or set"
            " S3_ENDPOINT."
        )


async def _within_timeout(request: Callable[[], Awaitable[str]]) -> str:
    async with asyncio.timeout(SECONDS):
        return await request()
