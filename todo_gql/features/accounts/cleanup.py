"""Deleting mails, sessions and API tokens that nobody can use any more."""

import logging
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.database.owner_batches import owners_where

logger = logging.getLogger(__name__)

# Long enough to answer what became of a mail, or who was signed in.
RETENTION_DAYS = 30
ROWS_AT_ONCE = 5_000
EXPIRED = {
    "mails": "created_at < now() - make_interval(days => $3)",
    "sessions": "coalesce(ended_at, expires_at) < now() - make_interval(days => $3)",
    "api_tokens": "coalesce(revoked_at, expires_at) < now() - make_interval(days => $3)",
}
HAS_EXPIRED = " OR ".join(
    f"EXISTS (SELECT FROM {table} WHERE owner_id = u.id AND {is_expired})"
    for table, is_expired in EXPIRED.items()
)
DELETE_EXPIRED = """
DELETE FROM {0} WHERE owner_id = $1 AND id = ANY(ARRAY(
    SELECT id FROM {0} WHERE owner_id = $1 AND {1} LIMIT $2)) RETURNING 1
"""


async def delete_expired() -> int:
    """Delete mails, sessions and API tokens 30 days after they were posted or ended; the number of rows.

    An owner whose rows can't be deleted is logged, and the next owner's are deleted nevertheless.
    """
    deleted = 0
    async for owner_id in owners_where(HAS_EXPIRED, RETENTION_DAYS):
        try:
            deleted += await _delete_expired(owner_id)
        except Exception:
            logger.exception(
                "old mails, sessions and API tokens can't be deleted",
                extra={"owner_id": str(owner_id)},
            )
    return deleted


async def _delete_expired(owner_id: UUID) -> int:
    deleted = 0
    for table, is_expired in EXPIRED.items():
        statement = DELETE_EXPIRED.format(table, is_expired)
        while number := len(await fetch(statement, owner_id, ROWS_AT_ONCE, RETENTION_DAYS)):
            deleted += number
    return deleted
