"""The exporter of metrics: /metrics, on a port of its own."""

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
# The table is pgqueuer's; it is missing before the first migrations.
QUEUE: Final = (
    "SELECT entrypoint AS name, status::text AS status, count(*) AS jobs,"
    " extract(epoch FROM now() - min(created))::float8 AS oldest"
    " FROM pgqueuer GROUP BY entrypoint, status"
)


class DatabaseCollector(Collector):
    """Collects metrics from the database at each scrape, over a connection of its own.

    All replicas report the same queue: aggregate with the maximum, not the sum.
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def describe(self) -> list[Metric]:
        """Nothing, so that registering the collector doesn't query the database."""
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
    """Collects the build, and its roles in this process: `server`, `worker`, or both."""

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
    """Write this process's metrics into a folder; call this before the first metric is created.

    The files are named by the slot of the process, so that the process that replaces it continues
    them; else every process that ever ran would leave files behind that are read at each scrape.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: slot)


def forget_process(folder: Path, slot: int) -> None:
    """Remove the gauges of the process in a slot, which has ended."""
    mark_process_dead(slot, str(folder))


@contextmanager
def exporting(
    host: str, port: int, dsn: str, roles: Sequence[str], workers: Path | None = None
) -> Iterator[int]:
    """Serve /metrics from a thread within the block, and yield its port; raises OSError.

    The metrics are this process's own, or those that worker processes write into the folder
    `workers`.
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
