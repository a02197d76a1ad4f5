"""The command that answers requests."""

import socket
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn

from todo_gql import __version__
from todo_gql.app import create_app
from todo_gql.commands.environment import (
    check_mail,
    database,
    fail,
    load_secret,
    load_settings,
    prepare,
)
from todo_gql.http.logs import configure_logging
from todo_gql.http.protocols import protocol_options

# What a request under way may still take once the server was told to stop.
DRAIN_SECONDS = 20


class Server(uvicorn.Server):
    """uvicorn, telling once requests are answered where to look."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            tell(f"todo_gql {__version__} is ready.\n  GraphiQL   {address}/graphql")
            tell(f"  Health     {address}/health\nStop it with Ctrl-C.")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        tell("Stopping.")
        await super().shutdown(sockets)


def tell(message: str) -> None:
    """Print a message, unless the terminal was closed."""
    with suppress(OSError):
        typer.echo(message)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address that was asked for."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # Python puts the address, which we give anyway, in brackets behind the reason.
        reason = str(error.strerror).partition(" (")[0]
        fail(f"Can't listen on {host}:{port}: {reason}. Set another PORT or HOST.")


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
    worker: Annotated[
        bool,
        typer.Option(
            "--worker", help="Do the jobs in the queue too, as is done on an embedded database."
        ),
    ] = False,
) -> None:
    """Answer requests until Ctrl-C, on DATABASE_URL or else on an embedded PostgreSQL."""
    settings = load_secret(load_settings(host=host, port=port))
    if worker or not settings.database_url:
        check_mail(settings)
    configure_logging(settings.log_level)
    try:
        # Who starts a second server on the same data hears of the data first, not of the port.
        with (
            database(settings, shared=False) as url,
            listen(settings.host, settings.port) as listener,
        ):
            prepare(settings, url, migrate=migrate)
            # Port 0 was any free one, and links in mails have to name it.
            settings = settings.model_copy(update={"port": listener.getsockname()[1]})
            has_worker = worker or not settings.database_url
            config = uvicorn.Config(
                create_app(settings, url, with_worker=has_worker),
                log_config=None,
                access_log=False,
                server_header=False,
                **protocol_options(settings),
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
            Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        tell("Stopped.")
