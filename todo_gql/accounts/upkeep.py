"""Forgetting the mails and sessions that nobody can use any more."""

import logging
from collections.abc import AsyncIterator
from uuid import UUID

from todo_gql import db

logger = logging.getLogger(__name__)

# Long enough for a person who asks what became of a mail, or who was signed in.
DAYS_KEPT = 30
NOBODY = UUID(int=0)
OWNERS_AT_ONCE = 1_000
ROWS_AT_ONCE = 5_000
OVER = {
    "mails": "created_at < now() - make_interval(days => $3)",
    "sessions": "coalesce(ended_at, expires_at) < now() - make_interval(days => $3)",
}
HAS_OLD = " OR ".join(
    f"EXISTS (SELECT FROM {table} WHERE owner_id = u.id AND {is_over})"
    for table, is_over in OVER.items()
)
# By owner, since that is what the tables have an index on.
OWNERS = f"""
SELECT u.id, {HAS_OLD} AS is_due
FROM (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2) u ORDER BY u.id
"""
FORGET = """
DELETE FROM {0} WHERE owner_id = $1 AND id = ANY(ARRAY(
    SELECT id FROM {0} WHERE owner_id = $1 AND {1} LIMIT $2)) RETURNING 1
"""


async def forget_what_is_over() -> int:
    """Delete the mails that were posted, and the sessions that were over, 30 days ago; how many.

    An owner whose rows can't be deleted is told in the log and keeps no other's from it.
    """
    forgotten = 0
    async for owner_id in _owners_with_old_rows():
        try:
            forgotten += await _forget(owner_id)
        except Exception:
            logger.exception(
                "old mails and sessions can't be deleted", extra={"owner_id": str(owner_id)}
            )
    return forgotten


async def _owners_with_old_rows() -> AsyncIterator[UUID]:
    last = NOBODY
    while rows := await db.fetch(OWNERS, last, OWNERS_AT_ONCE, DAYS_KEPT):
        for row in rows:
            if row["is_due"]:
                yield row["id"]
        last = rows[-1]["id"]


async def _forget(owner_id: UUID) -> int:
    forgotten = 0
    for table, is_over in OVER.items():
        forget = FORGET.format(table, is_over)
        while number := len(await db.fetch(forget, owner_id, ROWS_AT_ONCE, DAYS_KEPT)):
            forgotten += number
    return forgotten
