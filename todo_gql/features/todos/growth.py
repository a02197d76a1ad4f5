"""Finds the account whose stored bytes grow fastest, among the largest ones."""

import asyncio
import logging
from typing import NamedTuple
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.observability.metrics import metrics

logger = logging.getLogger(__name__)

DAY_SECONDS = 86_400
MAX_ACCOUNTS = 1_000
# Without an index, which every write would have to update. Outdated counts are left out.
LARGEST = """
SELECT owner_id AS id, stored_bytes FROM feeds WHERE counted_seq = seq
ORDER BY stored_bytes DESC LIMIT $1
"""


class Growth(NamedTuple):
    """How fast an account grew between two readings."""

    owner_id: UUID
    bytes_per_second: float


class GrowthMonitor:
    """Compares the stored bytes of the largest accounts with those of the previous reading."""

    def __init__(self) -> None:
        self._stored: dict[UUID, int] = {}
        self._read_at = 0.0

    async def fastest(self) -> Growth | None:
        """Take a reading; None if no account grew that was among the largest at both readings."""
        read_at = asyncio.get_running_loop().time()
        rows = await fetch(LARGEST, MAX_ACCOUNTS)
        before, self._stored = self._stored, {row["id"]: row["stored_bytes"] for row in rows}
        seconds, self._read_at = read_at - self._read_at, read_at
        growths = [
            Growth(owner_id, (stored - before[owner_id]) / seconds)
            for owner_id, stored in self._stored.items()
            if stored > before.get(owner_id, stored)
        ]
        return max(growths, key=lambda growth: growth.bytes_per_second, default=None)


class GrowthGauge:
    """Shows the fastest growth in the metrics, and logs one that would fill an account in a day."""

    def __init__(self, account_bytes: int) -> None:
        """`account_bytes` is how many bytes an account may store."""
        self.account_bytes = account_bytes
        self._watch = GrowthMonitor()

    async def update(self) -> None:
        """Read the accounts again, and show how fast the fastest of them grows."""
        fastest = await self._watch.fastest()
        metrics().account_growth.set(fastest.bytes_per_second if fastest else 0)
        if fastest and fastest.bytes_per_second * DAY_SECONDS > self.account_bytes:
            logger.warning(
                "account %s grows fast: by %d bytes an hour",
                *(fastest.owner_id, fastest.bytes_per_second * 3_600),
                extra={"owner_id": str(fastest.owner_id)},
            )

    def reset(self) -> None:
        """Show no growth, since it can't be read."""
        metrics().account_growth.set(0)
