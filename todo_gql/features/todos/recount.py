"""Recounts the storage of accounts whose counts are out of date.

Those are accounts older than the counts, and accounts that the previous release has written to.
"""

import logging
from uuid import UUID

from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.owner_batches import owner_transaction, owners_where
from todo_gql.features.todos.storage import TODO_BYTES

logger = logging.getLogger(__name__)

IS_UNCOUNTED = """
$3::int = 0 AND EXISTS (SELECT FROM users x WHERE x.id = u.id AND x.counted_seq <> x.change_seq)
"""
RECOUNT = f"""
UPDATE users SET counted_seq = change_seq, trash_count = (
        SELECT count(*) FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NOT NULL),
    stored_bytes = (SELECT coalesce(sum({TODO_BYTES}), 0)::bigint FROM todos WHERE owner_id = $1)
        + (SELECT coalesce(sum({CHANGE_BYTES}), 0)::bigint FROM changes WHERE owner_id = $1)
WHERE id = $1
"""


async def recount_storage() -> int:
    """Recount the storage of accounts with outdated counts; returns the number of accounts.

    An account that can't be counted is logged; the others are still counted.
    """
    counted = 0
    async for owner_id in owners_where(IS_UNCOUNTED, 0):
        try:
            await _recount(owner_id)
            counted += 1
        except Exception:
            logger.exception("an account can't be counted", extra={"owner_id": str(owner_id)})
    return counted


async def _recount(owner_id: UUID) -> None:
    """Recount an owner's rows, under the owner's lock."""
    async with owner_transaction(owner_id) as connection:
        await connection.execute(RECOUNT, owner_id)
