"""Serving metrics while a command runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from todo_gql.commands.environment import address_of, fail, reason_of
from todo_gql.settings import Settings
from todo_gql.telemetry.exporter import exporting


@contextmanager
def served_metrics(
    settings: Settings, url: str, workers: Path | None = None
) -> Iterator[str | None]:
    """Serve /metrics within the block, if that is set, and give its address.

    Metrics are this process's own, or those that worker processes write into a folder.
    """
    if not settings.prometheus_enabled:
        yield None
        return
    host, port = settings.metrics_host or settings.host, settings.metrics_port
    with ExitStack() as running:
        try:
            port = running.enter_context(exporting(host, port, url, workers))
        except OSError as error:
            fail(f"Can't listen on {host}:{port}: {reason_of(error)}. Set another METRICS_PORT.")
        yield f"{address_of(host, port)}/metrics"
