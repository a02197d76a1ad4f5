"""Purges lists and sections that have been deleted for the retention time."""

from uuid import UUID

from todo_gql.database.connection import Connection
from todo_gql.database.owner_batches import purge_in_batches
from todo_gql.features.todos.list_access import LIST_OR_INBOX
from todo_gql.security.api_tokens import unbind_lists

BATCH_SIZE = 500
# A list waits until its todos are purged, which take longer, in batches of their own, and until nobody else
# is its member.
EXPIRED_LISTS = """
SELECT l.id FROM lists l WHERE l.owner_id = {owner}
    AND l.deleted_at < now() - make_interval(days => $3)
    AND NOT EXISTS (SELECT FROM todos t WHERE t.owner_id = l.owner_id
        AND {list_or_inbox} = l.id)
    AND NOT EXISTS (SELECT FROM list_members m WHERE m.owner_id = l.owner_id AND m.list_id = l.id
        AND m.user_id <> l.owner_id)
"""
EXPIRED_SECTIONS = """
SELECT s.id FROM sections s WHERE s.owner_id = {owner}
    AND s.deleted_at < now() - make_interval(days => $3)
"""
HAS_EXPIRED = f"""
EXISTS ({EXPIRED_LISTS.format(owner="u.id", list_or_inbox=LIST_OR_INBOX)}) OR EXISTS ({EXPIRED_SECTIONS.format(owner="u.id")})
"""
PURGE = """
DELETE FROM {table} WHERE owner_id = $1 AND id = ANY(ARRAY({expired} LIMIT $2)) RETURNING id
"""
PURGE_LISTS = PURGE.format(
    table="lists", expired=EXPIRED_LISTS.format(owner="$1", list_or_inbox=LIST_OR_INBOX)
)
PURGE_SECTIONS = PURGE.format(table="sections", expired=EXPIRED_SECTIONS.format(owner="$1"))


async def purge_lists(days: int) -> int:
    """Purge lists and sections that have been deleted for so many days; returns their number.

    Sections of a list go with it, and aren't counted. 0 days purges nothing. Lines of the change log
    stay.
    """
    if days == 0:
        return 0
    return await purge_in_batches(HAS_EXPIRED, days, _purge)


async def _purge(connection: Connection, owner_id: UUID, days: int) -> int:
    """Purge a batch of what an owner has deleted, under the owner's lock."""
    lists = await connection.fetch(PURGE_LISTS, owner_id, BATCH_SIZE, days)
    await unbind_lists(connection, owner_id, [row["id"] for row in lists])
    sections = await connection.fetch(PURGE_SECTIONS, owner_id, BATCH_SIZE, days)
    return len(lists) + len(sections)
