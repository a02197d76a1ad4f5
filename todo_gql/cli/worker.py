"""The command that runs the jobs in the queue."""

import asyncio
import signal
from contextlib import suppress

import typer

from todo_gql.changelog.feed_registry import running_feeds
from todo_gql.cli.configuration import check_mail, load_push_key, load_secret, load_settings
from todo_gql.cli.metrics import WORKER, served_metrics
from todo_gql.cli.runtime import database, prepare
from todo_gql.database.tortoise_backend import connect, disconnect, stale_connection_monitor
from todo_gql.observability.logs import configure_logging
from todo_gql.server.process import telemetry
from todo_gql.server.signals import run_until_signal
from todo_gql.settings import Settings
from todo_gql.tasks import create_worker


def worker() -> None:
    """Send mails and purge what is due, until Ctrl-C; several may run at once."""
    settings = load_push_key(load_secret(load_settings()))
    check_mail(settings)
    configure_logging(settings.log_level)
    # Until the worker runs, the signals that stop it act as Ctrl-C.
    with suppress(KeyboardInterrupt), database(settings) as url:
        prepare(settings, url)
        with telemetry(settings), served_metrics(settings, url, WORKER) as metrics_address:
            if metrics_address:
                typer.echo(f"Metrics are at {metrics_address}")
            run_until_signal(_work(settings, url))
    typer.echo("Stopped.")


async def _work(settings: Settings, url: str) -> None:
    await connect(url, settings)
    try:
        one = create_worker(settings, url)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, one.stop)
        typer.echo("The worker is ready. Stop it with Ctrl-C.")
        # What the worker enters into inboxes wakes subscriptions, and what others write wakes the worker.
        async with stale_connection_monitor(), running_feeds(settings, url):
            await one.run()
    finally:
        await disconnect()
