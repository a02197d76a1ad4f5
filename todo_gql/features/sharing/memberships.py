"""Writing memberships: each change in a transaction that holds the locks of the list's owner and of the member.

So what follows from the members of a list stays true: the counters of both accounts, who is assigned to what,
whose reminders there are, and who gets which changes.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.order_keys import key_between
from todo_gql.changelog.feed_registry import announce_joined
from todo_gql.database.connection import Row
from todo_gql.database.models import (
    ChangeKind,
    EntityAction,
    ListNotifyLevel,
    ListRole,
    NotificationKind,
)
from todo_gql.database.retry import OwnerChanged
from todo_gql.features.members.access import MEMBER_COLUMNS
from todo_gql.features.todos.writes import OwnerWrite, owner_writes
from todo_gql.inbox.entries import Entry, enter
from todo_gql.inbox.wake_ups import announce
from todo_gql.security.api_tokens import unbind_lists

RETURNED: Final = ", ".join(MEMBER_COLUMNS)
SELECT_MEMBER: Final = f"""
SELECT {RETURNED} FROM list_members m WHERE m.owner_id = $1 AND m.list_id = $2 AND m.user_id = $3
"""
# Among their own lists and those of others, those in the trash, too.
LAST_POSITION: Final = """
SELECT max(position) FROM (
    SELECT position FROM lists WHERE owner_id = $1
    UNION ALL SELECT position FROM list_members WHERE user_id = $1 AND user_id <> owner_id
) AS all_lists
"""
INSERT: Final = f"""
INSERT INTO list_members AS m (id, owner_id, list_id, user_id, role, position, joined_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {RETURNED}
"""
SET_ROLE: Final = f"""
UPDATE list_members m SET role = $4 WHERE m.owner_id = $1 AND m.list_id = $2 AND m.user_id = $3
RETURNING {RETURNED}
"""
DELETE: Final = "DELETE FROM list_members WHERE owner_id = $1 AND list_id = $2 AND user_id = $3"
# A list is shared while it has another row than its owner's, so that the first one and the last one count.
COUNT_OWNER: Final = """
UPDATE users SET shared_list_count = shared_list_count + $3
WHERE id = $1 AND (SELECT count(*) FROM list_members WHERE owner_id = $1 AND list_id = $2) = $4
"""
COUNT_MEMBER: Final = "UPDATE users SET membership_count = membership_count + $2 WHERE id = $1"
# Whoever joins again shows the list in a calendar only if they name it again.
LEAVE_CALENDARS: Final = """
UPDATE calendar_feeds SET list_ids = list_ids - $2::text WHERE owner_id = $1 AND list_ids ? $2::text
"""
ASSIGNED: Final = """
SELECT id FROM todos WHERE owner_id = $1 AND list_id = $2 AND assignee_id = $3 ORDER BY id
"""
DELETE_OWN_OF_LIST: Final = """
DELETE FROM {table} x WHERE x.owner_id = $1 AND x.person_id = $3
    AND EXISTS (SELECT FROM todos t WHERE t.owner_id = $1 AND t.id = x.todo_id AND t.list_id = $2)
"""
NOTIFIED: Final = f"""
SELECT user_id FROM list_members WHERE owner_id = $1 AND list_id = $2 AND user_id = ANY($3::uuid[])
    AND notify = {ListNotifyLevel.ALL.value}
"""
OWNER: Final = "SELECT owner_id FROM lists WHERE id = $1"
TODOS_AT_ONCE: Final = 500


class MemberWrite:
    """A write to an owner's list that changes its members, and the notifications that it causes."""

    def __init__(self, write: OwnerWrite, list_id: UUID) -> None:
        self.write = write
        self.list_id = list_id
        self.entries: list[Entry] = []

    async def member(self, user_id: UUID) -> Row | None:
        """Somebody's membership of the list as it is under the lock; None if they aren't in it."""
        connection, owner_id = self.write.connection, self.write.owner_id
        return await connection.fetchrow(SELECT_MEMBER, owner_id, self.list_id, user_id)

    def notify(self, *user_ids: UUID) -> None:
        """Notify people that their own membership has changed, unless they have changed it themselves."""
        source, actor_id = f"members {uuid7()}", self.write.actor_id
        self.entries += [
            Entry(id, NotificationKind.MEMBERSHIP, source, actor_id, ChangeKind.LIST, self.list_id)
            for id in user_ids
        ]

    async def notify_others(self, *user_ids: UUID) -> None:
        """Notify those of them who are in the list, and are notified of all that happens there."""
        values = (self.write.owner_id, self.list_id, list(user_ids))
        self.notify(
            *(row["user_id"] for row in await self.write.connection.fetch(NOTIFIED, *values))
        )

    async def add(self, user_id: UUID, role: ListRole) -> Row:
        """Make somebody a member whose account is locked; they get all changes from this one on."""
        write, list_id = self.write, self.list_id
        last = await write.connection.fetchval(LAST_POSITION, user_id)
        row = await write.connection.fetchrow(
            INSERT,
            *(uuid7(), write.owner_id, list_id, user_id, role),
            *(key_between(last, None, "lower"), write.now),
        )
        assert row is not None
        await write.connection.execute(COUNT_OWNER, write.owner_id, list_id, 1, 2)
        await write.connection.execute(COUNT_MEMBER, user_id, 1)
        write.join(list_id, user_id)
        self._log(user_id, EntityAction.JOINED, None, role)
        await write.store()
        return row

    async def set_role(self, member: Row, role: ListRole) -> Row:
        """Change what a member may do; who may only read is assigned to nothing any more."""
        write, user_id = self.write, member["user_id"]
        row = await write.connection.fetchrow(SET_ROLE, write.owner_id, self.list_id, user_id, role)
        assert row is not None
        write.touch([self.list_id])
        if role is ListRole.VIEWER:
            await self._reassign(user_id, None)
        self._log(user_id, EntityAction.ROLE_CHANGED, ListRole(member["role"]), role)
        await write.store()
        return row

    async def remove(self, member: Row, reassign_to: UUID | None = None) -> None:
        """End a membership, the account of which is locked: LEFT is the last change that they get.

        What is assigned to them is assigned to somebody else or to nobody; their reminders and snoozes of
        the list's todos are deleted, and their calendars and the API tokens that are bound to it lose the list.
        """
        write, list_id, user_id = self.write, self.list_id, member["user_id"]
        write.leave(list_id, user_id)
        write.touch([list_id])
        await self._reassign(user_id, reassign_to)
        for table in ("reminders", "snoozes"):
            text = DELETE_OWN_OF_LIST.format(table=table)
            await write.connection.execute(text, write.owner_id, list_id, user_id)
        self._log(user_id, EntityAction.LEFT, ListRole(member["role"]), None)
        await write.store()
        await write.connection.execute(DELETE, write.owner_id, list_id, user_id)
        await write.connection.execute(LEAVE_CALENDARS, user_id, str(list_id))
        await write.connection.execute(COUNT_OWNER, write.owner_id, list_id, -1, 1)
        await write.connection.execute(COUNT_MEMBER, user_id, -1)
        await unbind_lists(write.connection, user_id, [list_id])

    async def _reassign(self, user_id: UUID, to: UUID | None) -> None:
        """Assign what is assigned to a member to another one or to nobody, each a change of its own."""
        write = self.write
        rows = await write.connection.fetch(ASSIGNED, write.owner_id, self.list_id, user_id)
        ids = [row["id"] for row in rows]
        for start in range(0, len(ids), TODOS_AT_ONCE):
            todos = await write.load(ids[start : start + TODOS_AT_ONCE], trash=True)
            for todo in todos.values():
                write.change(todo, todo._replace(assignee_id=to))
            await write.store()

    def _log(
        self, user_id: UUID, action: EntityAction, before: ListRole | None, after: ListRole | None
    ) -> None:
        """Record a change of a member, whose id in the log is that of the account."""
        names = [None if role is None else role.name for role in (before, after)]
        fields = [{"name": "role", "before": names[0], "after": names[1]}]
        self.write.log(ChangeKind.MEMBER, user_id, action, fields, list_id=self.list_id)


@asynccontextmanager
async def member_write(
    *, owner_id: UUID, list_id: UUID, actor_id: UUID, user_ids: Sequence[UUID]
) -> AsyncIterator[MemberWrite]:
    """A write to an owner's list that holds the locks of the owner and of these accounts.

    Inboxes are locked last, before the commit. Callers are to be `retried`; raises as `owner_writes`, and
    `OwnerChanged`, which is tried again.
    """
    locked: dict[UUID, Sequence[UUID]] = dict.fromkeys((owner_id, *user_ids), ())
    async with owner_writes(locked, actor_id=actor_id) as writes:
        write = writes[owner_id]
        if await write.connection.fetchval(OWNER, list_id) not in (owner_id, None):
            raise OwnerChanged
        members = MemberWrite(write, list_id)
        yield members
        if not write.discarded:
            await enter(write.connection, members.entries)
    if not write.discarded:
        announce_joined([owner_id, *user_ids])
        announce({entry.owner_id for entry in members.entries})
