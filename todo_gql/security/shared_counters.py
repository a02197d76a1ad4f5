"""Counts that all replicas share, on Redis or Valkey."""

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

ANSWER_SECONDS: Final = 0.1
# While it is away, only one request in a while waits for it in vain.
RETRY_SECONDS: Final = 1.0
PREFIX: Final = "todo_gql"

Result = TypeVar("Result")


class SharedCounts:
    """Counts at a URL of Redis or Valkey; None is what they say while that is away or frozen."""

    def __init__(self, url: str) -> None:
        url = _as_redis(url)
        self._connections = ConnectionPool.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
        # The library's types leave out a pool, which its documentation offers.
        options: Any = {"connection_pool": self._connections}
        self._storage = RedisStorage(
            f"async+{url}", implementation="redispy", key_prefix=PREFIX, **options
        )
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._away_until = 0.0
        self._is_away = False

    async def add(self, key: str, amount: int, seconds: int) -> int | None:
        """Add to a count that is kept for so many seconds; what it is then."""
        return await self._answer(lambda: self._storage.incr(key, seconds, amount))

    async def wait(self, limit: RateLimitItem, key: str) -> int | None:
        """Count one, unless there were as many already: then the seconds to wait, else 0."""
        return await self._answer(lambda: self._wait(limit, key))

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def _wait(self, limit: RateLimitItem, key: str) -> int:
        if await self._limiter.hit(limit, key):
            return 0
        window = await self._limiter.get_window_stats(limit, key)
        return max(1, ceil(window.reset_time - time.time()))

    async def _answer(self, ask: Callable[[], Awaitable[Result]]) -> Result | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await ask()
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + RETRY_SECONDS
            if not self._is_away:
                logger.warning("Redis is away, each process counts alone: %s", type(error).__name__)
            self._is_away = True
            return None
        if self._is_away:
            logger.warning("Redis is back, the replicas share their counts again")
        self._is_away = False
        return answer


def _as_redis(url: str) -> str:
    """The URL of a Valkey server in the words of the client, which speaks to both."""
    return url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
