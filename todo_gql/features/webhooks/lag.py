"""How far behind workers are with webhooks whose endpoints answer."""

from typing import Final

from todo_gql.database.connection import fetchrow
from todo_gql.features.webhooks.claims import IS_ACTIVE, OWNER_IS_ACTIVE
from todo_gql.observability.metrics import metrics

MEASURE_SECONDS: Final = 15.0
# What fails is late through no fault of a worker's.
OLDEST: Final = f"""
SELECT coalesce(max(extract(epoch FROM now() - coalesce(
    (SELECT c.at FROM changes c WHERE c.owner_id = w.owner_id AND c.seq = w.seq + 1),
    (SELECT s.at FROM spans s WHERE s.owner_id = w.owner_id AND s.seq_to > w.seq ORDER BY s.seq_to LIMIT 1)
))), 0)::float8 AS seconds
FROM webhooks w JOIN feeds f ON f.owner_id = w.owner_id AND f.seq > w.seq
    JOIN users u ON u.id = w.owner_id AND {OWNER_IS_ACTIVE}
WHERE {IS_ACTIVE} AND w.failing_since IS NULL
"""


async def measure_lag() -> None:
    """Show the age of the oldest change that wasn't read, in seconds; raises what `fetch` raises."""
    row = await fetchrow(OLDEST)
    assert row is not None
    metrics().webhook_lag.set(max(row["seconds"], 0))


def forget_lag() -> None:
    """Show no lag while it can't be measured: the database has alerts of its own."""
    metrics().webhook_lag.set(0)
