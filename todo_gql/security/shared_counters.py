"""Counters that all replicas share, in Redis or Valkey."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any, Final, TypeVar

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 0.1
# After a failure, the server isn't tried again for this long.
RETRY_SECONDS: Final = 1.0
PREFIX: Final = "todo_gql"

Result = TypeVar("Result")


class SharedCounters:
    """Counters at a URL of Redis or Valkey; methods return None while it is unavailable."""

    def __init__(self, url: str) -> None:
        url = _as_redis(url)
        self._connections = ConnectionPool.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        # The library documents `connection_pool`, but its types lack it.
        options: Any = {"connection_pool": self._connections}
        self._storage = RedisStorage(
            f"async+{url}", implementation="redispy", key_prefix=PREFIX, **options
        )
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._retry_at = 0.0
        self._is_unavailable = False

    async def add(self, key: str, amount: int, seconds: int) -> int | None:
        """Add to a counter that expires after `seconds`; returns the total."""
        return await self._call(lambda: self._storage.incr(key, seconds, amount))

    async def wait(self, limit: RateLimitItem, key: str) -> int | None:
        """Count one hit; returns 0, or the seconds to wait if the limit is reached."""
        return await self._call(lambda: self._wait(limit, key))

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def _wait(self, limit: RateLimitItem, key: str) -> int:
        if await self._limiter.hit(limit, key):
            return 0
        window = await self._limiter.get_window_stats(limit, key)
        return max(1, ceil(window.reset_time - time.time()))

    async def _call(self, request: Callable[[], Awaitable[Result]]) -> Result | None:
        if time.monotonic() < self._retry_at:
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                result = await request()
        except (RedisError, OSError, TimeoutError) as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if not self._is_unavailable:
                logger.warning("Redis is away, each process counts alone: %s", type(error).__name__)
            self._is_unavailable = True
            return None
        if self._is_unavailable:
            logger.warning("Redis is back, the replicas share their counts again")
        self._is_unavailable = False
        return result


def _as_redis(url: str) -> str:
    """The URL with the scheme `redis`: the client library doesn't know `valkey`, the same protocol."""
    return url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
