"""Forgetting the mails and sessions that nobody can use any more."""

import logging
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.database.owners import owners_where

logger = logging.getLogger(__name__)

# Long enough for a person who asks what became of a mail, or who was signed in.
DAYS_KEPT = 30
ROWS_AT_ONCE = 5_000
OVER = {
    "mails": "created_at < now() - make_interval(days => $3)",
    "sessions": "coalesce(ended_at, expires_at) < now() - make_interval(days => $3)",
}
HAS_OLD = " OR ".join(
    f"EXISTS (SELECT FROM {table} WHERE owner_id = u.id AND {is_over})"
    for table, is_over in OVER.items()
)
FORGET = """
DELETE FROM {0} WHERE owner_id = $1 AND id = ANY(ARRAY(
    SELECT id FROM {0} WHERE owner_id = $1 AND {1} LIMIT $2)) RETURNING 1
"""


async def forget_what_is_over() -> int:
    """Delete the mails that were posted, and the sessions that were over, 30 days ago; how many.

    An owner whose rows can't be deleted is told in the log and keeps no other's from it.
    """
    forgotten = 0
    async for owner_id in owners_where(HAS_OLD, DAYS_KEPT):
        try:
            forgotten += await _forget(owner_id)
        except Exception:
            logger.exception(
                "old mails and sessions can't be deleted", extra={"owner_id": str(owner_id)}
            )
    return forgotten


async def _forget(owner_id: UUID) -> int:
    forgotten = 0
    for table, is_over in OVER.items():
        forget = FORGET.format(table, is_over)
        while number := len(await fetch(forget, owner_id, ROWS_AT_ONCE, DAYS_KEPT)):
            forgotten += number
    return forgotten
