"""Deletes old deliveries from the log."""

from typing import Final
from uuid import UUID

from todo_gql.database.connection import Connection
from todo_gql.database.models import DeliveryState
from todo_gql.database.owner_batches import purge_in_batches

RETENTION_DAYS: Final = 30
MAX_DELIVERIES: Final = 5_000
"""How many deliveries that have ended are kept of a webhook, the newest ones."""

BATCH_SIZE: Final = 2_000
OLD: Final = """
SELECT d.id FROM webhook_deliveries d WHERE d.owner_id = w.owner_id AND d.webhook_id = w.id
    AND d.created_at < now() - make_interval(days => {days}) LIMIT {limit}
"""
SURPLUS: Final = f"""
SELECT d.id FROM webhook_deliveries d WHERE d.owner_id = w.owner_id AND d.webhook_id = w.id
    AND d.state <> {DeliveryState.WAITING.value}
ORDER BY d.created_at DESC, d.id DESC OFFSET {MAX_DELIVERIES} LIMIT {{limit}}
"""
IS_DUE: Final = f"""
EXISTS (SELECT FROM webhooks w WHERE w.owner_id = u.id AND (
    EXISTS ({OLD.format(days="$3", limit=1)}) OR EXISTS ({SURPLUS.format(limit=1)})))
"""
DELETE: Final = f"""
DELETE FROM webhook_deliveries x WHERE x.owner_id = $1 AND x.id IN (
    SELECT e.id FROM webhooks w CROSS JOIN LATERAL (
        ({OLD.format(days="$2", limit=BATCH_SIZE)}) UNION ALL ({SURPLUS.format(limit=BATCH_SIZE)})
    ) e WHERE w.owner_id = $1 LIMIT {BATCH_SIZE}
) RETURNING 1
"""


async def purge_deliveries(days: int = RETENTION_DAYS) -> int:
    """Delete the deliveries of more than so many days ago, and those beyond the newest; their number.

    Raises what `fetch` raises.
    """
    return await purge_in_batches(IS_DUE, days, _purge)


async def _purge(connection: Connection, owner_id: UUID, days: int) -> int:
    return len(await connection.fetch(DELETE, owner_id, days))
