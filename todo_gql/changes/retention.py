"""Forgetting the changes that are older than anybody has to go back."""

from collections.abc import AsyncIterator
from uuid import UUID

from todo_gql import db

NOBODY = UUID(int=0)
OWNERS_AT_ONCE = 1_000
CHANGES_AT_ONCE = 5_000
LOCK_OWNER = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
# By owner, as every statement about changes, so that it can be asked of each shard.
OWNERS = """
SELECT u.id, (SELECT c.at FROM changes c WHERE c.owner_id = u.id ORDER BY c.seq LIMIT 1)
    < now() - make_interval(days => $3) AS is_due
FROM (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2) u ORDER BY u.id
"""
# Only the start of a log, whatever a clock once said, so that what is kept has no gap.
FORGET = """
DELETE FROM changes WHERE owner_id = $1 AND seq = ANY(ARRAY(
    SELECT o.seq FROM (
        SELECT c.seq, bool_and(c.at < now() - make_interval(days => $3))
            OVER (ORDER BY c.seq) AS is_old
        FROM (SELECT seq, at FROM changes WHERE owner_id = $1 ORDER BY seq LIMIT $2) c
    ) o WHERE o.is_old)) RETURNING seq
"""


async def purge_changes(days: int | None) -> int:
    """Delete the changes made more than so many days ago; their number. None keeps all for ever.

    Who comes back with a cursor from before that has to load everything again.
    """
    if days is None:
        return 0
    purged = 0
    async for owner_id in _owners_with_old_changes(days):
        while number := await _purge(owner_id, days):
            purged += number
    return purged


async def _owners_with_old_changes(days: int) -> AsyncIterator[UUID]:
    last = NOBODY
    while rows := await db.fetch(OWNERS, last, OWNERS_AT_ONCE, days):
        for row in rows:
            if row["is_due"]:
                yield row["id"]
        last = rows[-1]["id"]


async def _purge(owner_id: UUID, days: int) -> int:
    """Delete some of an owner's old changes, in a line with the owner's own writes."""
    async with db.transaction() as connection:
        await connection.execute(LOCK_OWNER, owner_id)
        return len(await connection.fetch(FORGET, owner_id, CHANGES_AT_ONCE, days))
