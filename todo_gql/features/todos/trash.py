"""Purges todos that have been in the trash for the retention time."""

from uuid import UUID

from todo_gql.changelog.mirror import mirrored
from todo_gql.database.connection import Connection
from todo_gql.database.owner_batches import purge_in_batches
from todo_gql.features.todos.columns import TAG_IS_UNUSED
from todo_gql.features.todos.storage import COMMENTS_OF_TODO_BYTES, TODO_BYTES

BATCH_SIZE = 500
HAS_EXPIRED_TRASH = """
EXISTS (SELECT FROM todos t WHERE t.owner_id = u.id AND t.deleted_at IS NOT NULL
    AND t.deleted_at < now() - make_interval(days => $3))
"""
# Oldest first, and their subtasks with them: a parent is deleted with its subtree, and ON DELETE CASCADE
# would delete rows that nobody counts.
EXPIRED = """
WITH RECURSIVE expired AS (
    (SELECT t.id FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NOT NULL
        AND t.deleted_at < now() - make_interval(days => $3) ORDER BY t.deleted_at LIMIT $2)
    UNION
    SELECT t.id FROM expired e JOIN todos t ON t.owner_id = $1 AND t.parent_id = e.id
        AND t.deleted_at IS NOT NULL
)
SELECT id FROM expired
"""
# The release before moves a parent to the trash alone.
DETACH_SUBTASKS = """
UPDATE todos SET parent_id = NULL
WHERE owner_id = $1 AND parent_id = ANY($2) AND deleted_at IS NULL
"""
PURGE = f"""
DELETE FROM todos WHERE owner_id = $1 AND id = ANY($2)
RETURNING {TODO_BYTES} + {COMMENTS_OF_TODO_BYTES} AS bytes
"""
SUBTRACT_PURGED = mirrored("""
UPDATE feeds f SET trash_count = greatest(0, trash_count - $2),
    stored_bytes = greatest(0, stored_bytes - $3) WHERE owner_id = $1
""")
# A tag's count leaves the trash out, so a tag of purged todos alone has a count of 0.
DELETE_UNCOUNTED_TAGS = (
    f"DELETE FROM tags g WHERE g.owner_id = $1 AND g.todo_count = 0 AND {TAG_IS_UNUSED}"
)


async def purge_trash(days: int) -> int:
    """Purge todos that have been in the trash for so many days; returns their number.

    0 days purges nothing. The todos' entries in the change log stay.
    """
    if days == 0:
        return 0
    return await purge_in_batches(HAS_EXPIRED_TRASH, days, _purge)


async def _purge(connection: Connection, owner_id: UUID, days: int) -> int:
    """Purge a batch of an owner's trash, under the owner's lock."""
    expired = [row["id"] for row in await connection.fetch(EXPIRED, owner_id, BATCH_SIZE, days)]
    if not expired:
        return 0
    await connection.execute(DETACH_SUBTASKS, owner_id, expired)
    purged = await connection.fetch(PURGE, owner_id, expired)
    await connection.execute(DELETE_UNCOUNTED_TAGS, owner_id)
    stored_bytes = sum(row["bytes"] for row in purged)
    await connection.execute(SUBTRACT_PURGED, owner_id, len(purged), stored_bytes)
    return len(purged)
