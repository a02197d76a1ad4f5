"""The way out for metrics: /metrics, on a port of its own."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import asyncpg
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from todo_gql.observability.build_info import build
from todo_gql.observability.metrics import metrics

DATABASE_SECONDS: Final = 2
# The table is pgqueuer's, and there once a release has jobs.
QUEUE: Final = (
    "SELECT entrypoint AS name, status::text AS status, count(*) AS jobs,"
    " extract(epoch FROM now() - min(created))::float8 AS oldest"
    " FROM pgqueuer GROUP BY entrypoint, status"
)


class DatabaseCollector(Collector):
    """Asks the database itself, when metrics are scraped, over a connection of its own.

    All replicas tell the same of the queue: take the maximum over them, not the sum.
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def describe(self) -> list[Metric]:
        """Nothing, so that registering doesn't already ask."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Whether the database answers, and what is in its queue of jobs."""
        rows: list[asyncpg.Record] | None = None
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            rows = asyncio.run(self._queue())
        yield GaugeMetricFamily(
            "todo_gql_database_up", "Whether PostgreSQL answers.", float(rows is not None)
        )
        jobs = GaugeMetricFamily(
            "todo_gql_job_queue", "Jobs in the queue.", labels=["name", "status"]
        )
        oldest = GaugeMetricFamily(
            "todo_gql_job_queue_oldest_seconds",
            "Age of the oldest job in the queue.",
            labels=["name", "status"],
        )
        for row in rows or ():
            jobs.add_metric([row["name"], row["status"]], row["jobs"])
            oldest.add_metric([row["name"], row["status"]], row["oldest"])
        yield jobs
        yield oldest

    async def _queue(self) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(
            self.dsn, timeout=DATABASE_SECONDS, command_timeout=DATABASE_SECONDS
        )
        try:
            if await connection.fetchval("SELECT to_regclass('pgqueuer') IS NULL"):
                return []
            return await connection.fetch(QUEUE)
        finally:
            connection.terminate()


class BuildCollector(Collector):
    """Tells what runs here, and in which roles: `server`, `worker`, or both in one process."""

    def __init__(self, roles: Sequence[str]) -> None:
        self.roles = roles
        self.build = build()

    def collect(self) -> Iterator[Metric]:
        """The build, once for each role."""
        info = GaugeMetricFamily(
            "todo_gql_build_info",
            "What runs, by its roles; always 1.",
            labels=["role", "version", "revision"],
        )
        for role in self.roles:
            info.add_metric([role, *self.build], 1)
        yield info


def write_to(folder: Path, slot: int) -> None:
    """Have this process's metrics written into a folder, before the first of them is made.

    The files are named by the process's place among its likes, so that whoever takes the place
    counts on in them; else each process that ever was would leave its files to be read.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: slot)


def forget_process(folder: Path, slot: int) -> None:
    """Drop what the process in that place told of its present state, now that it has ended."""
    mark_process_dead(slot, str(folder))


@contextmanager
def exporting(
    host: str, port: int, dsn: str, roles: Sequence[str], workers: Path | None = None
) -> Iterator[int]:
    """Serve /metrics from a thread for as long as the block, and give its port.

    The metrics are this process's own, or those that worker processes write into a folder.
    """
    registry = CollectorRegistry()
    registry.register(BuildCollector(roles))
    registry.register(DatabaseCollector(dsn))
    if workers:
        MultiProcessCollector(registry, path=str(workers))
    else:
        metrics()
        registry.register(REGISTRY)
    server, thread = start_http_server(port, host, registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
