"""Emptying the trash of todos that have lain there long enough."""

from uuid import UUID

from todo_gql.database.connection import transaction
from todo_gql.database.owners import LOCK_OWNER, owners_where
from todo_gql.features.todos.storage import TODO_BYTES

TODOS_AT_ONCE = 500
HAS_OLD_TRASH = """
EXISTS (SELECT FROM todos t WHERE t.owner_id = u.id AND t.deleted_at IS NOT NULL
    AND t.deleted_at < now() - make_interval(days => $3))
"""
PURGE = f"""
DELETE FROM todos WHERE owner_id = $1 AND id = ANY(ARRAY(
    SELECT t.id FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NOT NULL
        AND t.deleted_at < now() - make_interval(days => $3)
    ORDER BY t.deleted_at LIMIT $2)) RETURNING {TODO_BYTES} AS bytes
"""
COUNT = """
UPDATE users SET trash_count = greatest(0, trash_count - $2),
    stored_bytes = greatest(0, stored_bytes - $3) WHERE id = $1
"""
# The trash counts for no tag, so what it alone carried has a count of 0.
DROP_UNUSED_TAGS = """
DELETE FROM tags g WHERE g.owner_id = $1 AND g.todo_count = 0 AND NOT EXISTS (
    SELECT FROM todo_tags tt WHERE tt.owner_id = g.owner_id AND tt.tag_id = g.id
)
"""


async def purge_trash(days: int) -> int:
    """Delete for good what has been in the trash for so many days; the number of todos.

    0 days keeps all for ever. What the change log says of these todos stays.
    """
    if days == 0:
        return 0
    purged = 0
    async for owner_id in owners_where(HAS_OLD_TRASH, days):
        while number := await _purge(owner_id, days):
            purged += number
    return purged


async def _purge(owner_id: UUID, days: int) -> int:
    """Delete some of an owner's old trash, in a line with the owner's own writes."""
    async with transaction() as connection:
        await connection.execute(LOCK_OWNER, owner_id)
        purged = await connection.fetch(PURGE, owner_id, TODOS_AT_ONCE, days)
        if purged:
            await connection.execute(DROP_UNUSED_TAGS, owner_id)
            stored_bytes = sum(row["bytes"] for row in purged)
            await connection.execute(COUNT, owner_id, len(purged), stored_bytes)
    return len(purged)
