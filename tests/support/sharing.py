"""Lists that several people share."""

from uuid import UUID, uuid4

from tests.support.accounts import Account
from todo_gql.api.order_keys import key_between
from todo_gql.changelog.feed_registry import announce_joined
from todo_gql.database.connection import Connection, transaction
from todo_gql.database.models import ListRole

LOCK = "SELECT id FROM users WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
LAST_POSITION = """
SELECT max(position) FROM (
    SELECT position FROM lists WHERE owner_id = $1
    UNION ALL SELECT position FROM list_members WHERE user_id = $1 AND user_id <> owner_id) AS all_lists
"""
INSERT = """
INSERT INTO list_members (id, owner_id, list_id, user_id, role, position, joined_at)
VALUES ($1, $2, $3, $4, $5, $6, now())
"""
# As many as there are, so that a helper can't make them wrong.
COUNT = """
UPDATE users u SET
    membership_count = (SELECT count(*) FROM list_members m WHERE m.user_id = u.id AND m.owner_id <> u.id),
    shared_list_count = (SELECT count(DISTINCT m.list_id) FROM list_members m
        WHERE m.owner_id = u.id AND m.user_id <> u.id)
WHERE u.id = ANY($1)
"""


async def share(
    owner: Account, list_id: str, user: Account, role: ListRole = ListRole.EDITOR
) -> str:
    """Make somebody a member of an owner's list; the id of the membership."""
    member_id = uuid4()
    async with transaction() as connection:
        await connection.execute(LOCK, [UUID(owner.id), UUID(user.id)])
        last = await connection.fetchval(LAST_POSITION, UUID(user.id))
        position = key_between(last, None, "lower")
        values = (member_id, UUID(owner.id), UUID(list_id), UUID(user.id), role.value, position)
        await connection.execute(INSERT, *values)
        await _count(connection, owner, user)
    announce_joined([UUID(owner.id), UUID(user.id)])
    return str(member_id)


async def unshare(owner: Account, list_id: str, user: Account) -> None:
    """Delete somebody's membership of an owner's list, and nothing else."""
    async with transaction() as connection:
        await connection.execute(LOCK, [UUID(owner.id), UUID(user.id)])
        deleted = "DELETE FROM list_members WHERE list_id = $1 AND user_id = $2"
        await connection.execute(deleted, UUID(list_id), UUID(user.id))
        await _count(connection, owner, user)


async def _count(connection: Connection, owner: Account, user: Account) -> None:
    await connection.execute(COUNT, [UUID(owner.id), UUID(user.id)])
