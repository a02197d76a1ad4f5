"""Serving metrics while a command runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from todo_gql.cli.runtime import address_of, fail, reason_of
from todo_gql.observability.exporter import exporting
from todo_gql.settings import Settings

SERVER = "server"
WORKER = "worker"


@contextmanager
def served_metrics(
    settings: Settings, url: str, *roles: str, workers: Path | None = None
) -> Iterator[str | None]:
    """Serve /metrics of a process in these roles within the block, if enabled; yields its address, else None.

    Metrics are this process's own, or those that worker processes write into a folder.
    """
    if not settings.prometheus_enabled:
        yield None
        return
    is_server = SERVER in roles
    host = settings.metrics_host or settings.host
    port = settings.metrics_port if is_server else settings.port_of_worker_metrics
    with ExitStack() as running:
        try:
            port = running.enter_context(exporting(host, port, url, roles, workers))
        except OSError as error:
            name = "METRICS_PORT" if is_server else "WORKER_METRICS_PORT"
            fail(f"Can't listen on {host}:{port}: {reason_of(error)}. Set another {name}.")
        yield f"{address_of(host, port)}/metrics"
