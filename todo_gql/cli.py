"""The command line."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
import uvicorn
from pydantic import ValidationError

from todo_gql import __version__, db
from todo_gql.app import create_app
from todo_gql.embedded import EmbeddedPostgres
from todo_gql.http.logs import configure_logging
from todo_gql.postgres_programs import EmbeddedPostgresError
from todo_gql.schema import schema_text
from todo_gql.secret import MissingSecret, with_secret
from todo_gql.settings import Settings

Result = TypeVar("Result")

# What a request under way may still take once the server was told to stop.
DRAIN_SECONDS = 20

app = typer.Typer(
    help="A TODO backend that speaks GraphQL. Settings come from the environment and from .env.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def fail(message: str) -> NoReturn:
    """End with a message for a person, and status 1."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    raise typer.Exit(1)


def load_settings(**changes: Any) -> Settings:
    """The settings, with those changes that are not None."""
    try:
        given = {name: value for name, value in changes.items() if value is not None}
        return Settings(**given)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        fail("The settings can't be used:\n" + "\n".join(f"  {line}" for line in lines))


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database to use, with an embedded one running if that is it."""
    if settings.database_url:
        yield settings.database_url
        return
    try:
        postgres = EmbeddedPostgres(settings.data_dir)
        url = postgres.start()
    except EmbeddedPostgresError as error:
        fail(str(error))
    try:
        yield url
    finally:
        # A second Ctrl-C must not leave PostgreSQL behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        postgres.stop()


def run_connected(settings: Settings, url: str, work: Callable[[], Awaitable[Result]]) -> Result:
    """Do some work on the database, in an event loop of its own."""

    async def connected() -> Result:
        await db.connect(url, settings)
        try:
            return await work()
        finally:
            await db.disconnect()

    return asyncio.run(connected())


class Server(uvicorn.Server):
    """uvicorn, telling once requests are answered where to look."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            typer.echo(f"todo_gql {__version__} is ready.\n  GraphiQL   {address}/graphql")
            typer.echo(f"  Health     {address}/health\nStop it with Ctrl-C.")


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address that was asked for."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        fail(f"Can't listen on {host}:{port}: {error.strerror}. Set another PORT or HOST.")


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on (HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on; 0 takes a free one (PORT).")
    ] = None,
    migrate: Annotated[
        bool,
        typer.Option(
            "--migrate", help="Migrate DATABASE_URL first. An embedded database always is."
        ),
    ] = False,
) -> None:
    """Answer requests until Ctrl-C, on DATABASE_URL or else on an embedded PostgreSQL."""
    settings = load_settings(host=host, port=port)
    configure_logging(settings.log_level)
    try:
        settings = with_secret(settings)
    except MissingSecret as error:
        fail(str(error))
    signal.signal(signal.SIGTERM, _stop)
    try:
        with listen(settings.host, settings.port) as listener, database(settings) as url:
            if migrate or not settings.database_url:
                run_connected(settings, url, db.migrate)
            config = uvicorn.Config(
                create_app(settings, url),
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
            server = Server(config)
            server.run(sockets=[listener])
            if not server.started:
                fail("The server could not start; the log says why.")
    except KeyboardInterrupt:
        typer.echo("Stopped.")


@app.command("migrate")
def migrate_command(
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether the models lack a migration.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write a migration for what changed in the models.")
    ] = False,
) -> None:
    """Apply the missing migrations."""
    settings = load_settings()
    if check:
        if missing := asyncio.run(db.models_without_migration()):
            fail("The models lack a migration:\n" + "\n".join(f"  {line}" for line in missing))
        typer.echo("Every model has its migrations.")
    elif write:
        paths = asyncio.run(db.write_migration())
        typer.echo("\n".join(paths) or "Nothing changed in the models.")
    else:
        with database(settings) as url:
            applied = run_connected(settings, url, db.migrate)
        typer.echo("\n".join(f"Applied {name}" for name in applied) or "Nothing to apply.")


@app.command()
def export_schema(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("schema.graphql"),
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether the file is up to date.")
    ] = False,
) -> None:
    """Write the GraphQL schema to a file."""
    text = schema_text()
    if not check:
        path.write_text(text, encoding="utf-8")
        typer.echo(f"Wrote {path}.")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        fail(f"{path} is not what the code says: run make schema.")
    else:
        typer.echo(f"{path} is up to date.")


def main() -> None:
    """Run the command line."""
    app()
