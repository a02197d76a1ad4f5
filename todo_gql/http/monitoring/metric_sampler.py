"""Metrics that are sampled once a second, since counting them would slow down every request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from todo_gql.database.connection import pool_use
from todo_gql.observability.metrics import Metrics

SECONDS: Final = 1.0


class CacheInfo(Protocol):
    """Hits and misses, as of `functools.lru_cache`."""

    @property
    def hits(self) -> int: ...

    @property
    def misses(self) -> int: ...


@asynccontextmanager
async def metric_sampler(
    metrics: Metrics, documents: Callable[[], CacheInfo], subscriptions: Callable[[], int]
) -> AsyncIterator[None]:
    """Within the block, sample the metrics of pool, event loop, document cache and subscriptions."""
    task = asyncio.create_task(_sample_forever(metrics, documents, subscriptions))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _sample_forever(
    metrics: Metrics, documents: Callable[[], CacheInfo], subscriptions: Callable[[], int]
) -> None:
    loop = asyncio.get_running_loop()
    counted = {"hit": 0, "miss": 0}
    while True:
        due = loop.time() + SECONDS
        await asyncio.sleep(SECONDS)
        metrics.loop_lag.set(max(0.0, loop.time() - due))
        use = pool_use()
        metrics.pool_connections.labels("in_use").set(use.in_use)
        metrics.pool_connections.labels("idle").set(use.idle)
        metrics.pool_limit.set(use.limit)
        metrics.pool_waiting.set(use.waiting)
        metrics.subscriptions.set(subscriptions())
        info = documents()
        for result, total in (("hit", info.hits), ("miss", info.misses)):
            metrics.documents.labels(result).inc(total - counted[result])
            counted[result] = total
