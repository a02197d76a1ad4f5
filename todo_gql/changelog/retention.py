"""Deletes changes that are older than the retention time, and the spans of others' changes."""

from operator import itemgetter
from uuid import UUID

from todo_gql.changelog.mirror import mirrored
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.connection import Connection
from todo_gql.database.owner_batches import purge_in_batches

BATCH_SIZE = 5_000
HAS_OLD_CHANGES = """
coalesce((SELECT c.at FROM changes c WHERE c.owner_id = u.id ORDER BY c.seq LIMIT 1)
    < now() - make_interval(days => $3), false)
OR coalesce((SELECT s.at FROM spans s WHERE s.owner_id = u.id ORDER BY s.seq_to LIMIT 1)
    < now() - make_interval(days => $3), false)
"""
# Only the start of a feed, even if a clock was wrong once, so that the rest has no gap. A span goes with
# its last number.
LAST_OLD = """
SELECT max(o.seq) AS seq FROM (
    SELECT e.seq, bool_and(e.at < now() - make_interval(days => $3)) OVER (ORDER BY e.seq) AS is_expired
    FROM (
        (SELECT seq, at FROM changes WHERE owner_id = $1 ORDER BY seq LIMIT $2)
        UNION ALL (SELECT seq_to, at FROM spans WHERE owner_id = $1 ORDER BY seq_to LIMIT $2)
        ORDER BY seq LIMIT $2
    ) e
) o WHERE o.is_expired
"""
DELETE_SPANS = """
WITH deleted AS (DELETE FROM spans WHERE owner_id = $1 AND seq_to <= $2 RETURNING *),
last AS (SELECT * FROM deleted ORDER BY seq_to DESC LIMIT 1)
SELECT l.seq_to AS seq, (SELECT c.id FROM changes c WHERE c.owner_id = l.source_owner_id
    AND c.seq = l.source_from + l.seq_to - l.seq_from) AS id, (SELECT count(*) FROM deleted) AS number
FROM last l
"""
DELETE_OLD = f"""
DELETE FROM changes WHERE owner_id = $1 AND seq <= $2 RETURNING seq, id, {CHANGE_BYTES} AS bytes
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
    """Delete a batch of a feed's old changes and spans, under the owner's lock."""
    last = await connection.fetchval(LAST_OLD, owner_id, BATCH_SIZE, days)
    if last is None:
        return 0
    # Before the changes of other owners, whose ids are read.
    spans = await connection.fetchrow(DELETE_SPANS, owner_id, last)
    deleted = await connection.fetch(DELETE_OLD, owner_id, last)
    ends = [*deleted, *([spans] if spans else [])]
    newest = max(ends, key=itemgetter("seq"))
    await connection.execute(RECORD_DELETED, owner_id, newest["id"])
    if deleted:
        await connection.execute(SUBTRACT_DELETED, owner_id, sum(row["bytes"] for row in deleted))
    return len(deleted) + (spans["number"] if spans else 0)
