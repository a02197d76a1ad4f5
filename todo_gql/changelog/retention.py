"""Forgetting the changes that are older than anybody has to go back."""

from operator import itemgetter
from uuid import UUID

from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.connection import transaction
from todo_gql.database.owners import LOCK_OWNER, owners_where

CHANGES_AT_ONCE = 5_000
HAS_OLD_CHANGES = """
(SELECT c.at FROM changes c WHERE c.owner_id = u.id ORDER BY c.seq LIMIT 1)
    < now() - make_interval(days => $3)
"""
# Only the start of a log, whatever a clock once said, so that what is kept has no gap.
FORGET = f"""
DELETE FROM changes WHERE owner_id = $1 AND seq = ANY(ARRAY(
    SELECT o.seq FROM (
        SELECT c.seq, bool_and(c.at < now() - make_interval(days => $3))
            OVER (ORDER BY c.seq) AS is_old
        FROM (SELECT seq, at FROM changes WHERE owner_id = $1 ORDER BY seq LIMIT $2) c
    ) o WHERE o.is_old)) RETURNING seq, id, {CHANGE_BYTES} AS bytes
"""
# Who stands there has missed nothing, and is to be told from who stands in a log that was undone.
REMEMBER = """
UPDATE users SET forgotten_change_id = $2, stored_bytes = greatest(0, stored_bytes - $3)
WHERE id = $1
"""


async def purge_changes(days: int | None) -> int:
    """Delete the changes made more than so many days ago; their number. None keeps all for ever.

    Who comes back with a cursor from before that has to load everything again.
    """
    if days is None:
        return 0
    purged = 0
    async for owner_id in owners_where(HAS_OLD_CHANGES, days):
        while number := await _purge(owner_id, days):
            purged += number
    return purged


async def _purge(owner_id: UUID, days: int) -> int:
    """Delete some of an owner's old changes, in a line with the owner's own writes."""
    async with transaction() as connection:
        await connection.execute(LOCK_OWNER, owner_id)
        forgotten = await connection.fetch(FORGET, owner_id, CHANGES_AT_ONCE, days)
        if forgotten:
            newest = max(forgotten, key=itemgetter("seq"))
            stored_bytes = sum(row["bytes"] for row in forgotten)
            await connection.execute(REMEMBER, owner_id, newest["id"], stored_bytes)
        return len(forgotten)
