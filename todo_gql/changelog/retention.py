"""Deletes changes that are older than the retention time."""

from operator import itemgetter
from uuid import UUID

from todo_gql.changelog.mirror import mirrored
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.connection import Connection
from todo_gql.database.owner_batches import purge_in_batches

BATCH_SIZE = 5_000
HAS_OLD_CHANGES = """
(SELECT c.at FROM changes c WHERE c.owner_id = u.id ORDER BY c.seq LIMIT 1)
    < now() - make_interval(days => $3)
"""
# Only the start of a log, even if a clock was wrong once, so that the rest has no gap.
DELETE_OLD = f"""
DELETE FROM changes WHERE owner_id = $1 AND seq = ANY(ARRAY(
    SELECT o.seq FROM (
        SELECT c.seq, bool_and(c.at < now() - make_interval(days => $3))
            OVER (ORDER BY c.seq) AS is_expired
        FROM (SELECT seq, at FROM changes WHERE owner_id = $1 ORDER BY seq LIMIT $2) c
    ) o WHERE o.is_expired)) RETURNING seq, id, {CHANGE_BYTES} AS bytes
"""
# A cursor of the last deleted change is still valid; its id distinguishes it from one of a log that
# was undone.
RECORD_DELETED = "UPDATE users SET forgotten_change_id = $2 WHERE id = $1"
SUBTRACT_DELETED = mirrored(
    "UPDATE feeds f SET stored_bytes = greatest(0, stored_bytes - $2) WHERE owner_id = $1"
)


async def purge_changes(days: int | None) -> int:
    """Delete the changes older than so many days, None for no limit; returns their number.

    A client with an older cursor has to load everything again.
    """
    if days is None:
        return 0
    return await purge_in_batches(HAS_OLD_CHANGES, days, _purge)


async def _purge(connection: Connection, owner_id: UUID, days: int) -> int:
    """Delete a batch of an owner's old changes, under the owner's lock."""
    deleted = await connection.fetch(DELETE_OLD, owner_id, BATCH_SIZE, days)
    if deleted:
        newest = max(deleted, key=itemgetter("seq"))
        stored_bytes = sum(row["bytes"] for row in deleted)
        await connection.execute(RECORD_DELETED, owner_id, newest["id"])
        await connection.execute(SUBTRACT_DELETED, owner_id, stored_bytes)
    return len(deleted)
