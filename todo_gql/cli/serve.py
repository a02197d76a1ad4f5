"""The command that answers requests."""

import socket
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from todo_gql.cli.configuration import (
    check_documents,
    check_mail,
    check_public_url,
    load_push_key,
    load_secret,
    load_settings,
)
from todo_gql.cli.metrics import SERVER, WORKER, served_metrics
from todo_gql.cli.runtime import address_of, database, fail, prepare, reason_of
from todo_gql.observability.build_info import build
from todo_gql.observability.logs import configure_logging
from todo_gql.server.process import run
from todo_gql.server.supervisor import Supervisor, WorkerStartError
from todo_gql.settings import Settings


def print_ready(
    listener: socket.socket, metrics_address: str | None, *, has_graphiql: bool
) -> None:
    """Print the addresses, once the server answers requests."""
    address = address_of(*listener.getsockname()[:2])
    name = "GraphiQL" if has_graphiql else "GraphQL "
    print_line(f"todo_gql {build().version} is ready.\n  {name}   {address}/graphql")
    print_line(f"  Health     {address}/health")
    if metrics_address:
        print_line(f"  Metrics    {metrics_address}")
    print_line("Stop it with Ctrl-C.")


def print_line(message: str) -> None:
    """Print a message; does nothing if the terminal was closed."""
    with suppress(OSError):
        typer.echo(message)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; exits with status 1 if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        fail(f"Can't listen on {host}:{port}: {reason_of(error)}. Set another PORT or HOST.")


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on (HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on; 0 selects a free one (PORT).")
    ] = None,
    migrate: Annotated[
        bool,
        typer.Option(
            "--migrate", help="Apply missing migrations first, as always to an embedded database."
        ),
    ] = False,
    worker: Annotated[
        bool,
        typer.Option(
            "--worker", help="Run the jobs in the queue too, as always with an embedded database."
        ),
    ] = False,
) -> None:
    """Answer requests until Ctrl-C, on DATABASE_URL or else on an embedded PostgreSQL."""
    settings = load_push_key(load_secret(load_settings(host=host, port=port)))
    with_worker = worker or not settings.database_url
    check_public_url(settings)
    if with_worker:
        check_mail(settings)
    check_documents(settings)
    configure_logging(settings.log_level)
    try:
        # A second server on the same data reports the locked data, not the port.
        with (
            database(settings, shared=False) as url,
            listen(settings.host, settings.port) as listener,
        ):
            prepare(settings, url, migrate=migrate)
            # Port 0 was any free one, and links in mails have to name it.
            settings = settings.model_copy(update={"port": listener.getsockname()[1]})
            answer(settings, url, listener, with_worker=with_worker)
    except KeyboardInterrupt:
        print_line("Stopped.")


def answer(settings: Settings, url: str, listener: socket.socket, *, with_worker: bool) -> None:
    """Answer requests in this process, or in WORKERS processes."""
    several = settings.workers > 1 or settings.max_requests > 0
    with ExitStack() as running:
        metrics_folder = None
        if several and settings.prometheus_enabled:
            name = running.enter_context(TemporaryDirectory(prefix="todo_gql-metrics-"))
            metrics_folder = Path(name)
        roles = (SERVER, WORKER) if with_worker else (SERVER,)
        metrics_address = running.enter_context(
            served_metrics(settings, url, *roles, workers=metrics_folder)
        )
        on_started = partial(
            print_ready, listener, metrics_address, has_graphiql=settings.has_graphiql
        )
        on_stopping = partial(print_line, "Stopping.")
        if several:
            supervisor = Supervisor(
                settings, url, listener, metrics_folder, with_worker=with_worker
            )
            try:
                supervisor.run(on_started=on_started, on_stopping=on_stopping)
            except WorkerStartError:
                fail("A worker process can't start. See the log.")
        else:
            run(
                settings,
                url,
                listener,
                with_worker=with_worker,
                on_started=on_started,
                on_stopping=on_stopping,
            )
