"""Emptying the trash of todos that have lain there long enough."""

from collections.abc import AsyncIterator
from uuid import UUID

from todo_gql import db

NOBODY = UUID(int=0)
OWNERS_AT_ONCE = 1_000
TODOS_AT_ONCE = 500
LOCK_OWNER = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
# By owner, as every statement about todos, so that it can be asked of each shard.
OWNERS = """
SELECT u.id, EXISTS (SELECT FROM todos t WHERE t.owner_id = u.id AND t.deleted_at IS NOT NULL
    AND t.deleted_at < now() - make_interval(days => $3)) AS is_due
FROM (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2) u ORDER BY u.id
"""
PURGE = """
DELETE FROM todos WHERE owner_id = $1 AND id = ANY(ARRAY(
    SELECT t.id FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NOT NULL
        AND t.deleted_at < now() - make_interval(days => $3)
    ORDER BY t.deleted_at LIMIT $2)) RETURNING id
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
    async for owner_id in _owners_with_old_trash(days):
        while number := await _purge(owner_id, days):
            purged += number
    return purged


async def _owners_with_old_trash(days: int) -> AsyncIterator[UUID]:
    last = NOBODY
    while rows := await db.fetch(OWNERS, last, OWNERS_AT_ONCE, days):
        for row in rows:
            if row["is_due"]:
                yield row["id"]
        last = rows[-1]["id"]


async def _purge(owner_id: UUID, days: int) -> int:
    """Delete some of an owner's old trash, in a line with the owner's own writes."""
    async with db.transaction() as connection:
        await connection.execute(LOCK_OWNER, owner_id)
        purged = await connection.fetch(PURGE, owner_id, TODOS_AT_ONCE, days)
        if purged:
            await connection.execute(DROP_UNUSED_TAGS, owner_id)
    return len(purged)
