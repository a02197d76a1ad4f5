"""Changing the viewer's inbox: reading, snoozing and archiving, with an exact count of unread ones."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import UserError, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Connection, Row, fetchrow, transaction
from todo_gql.database.retry import retried
from todo_gql.features.notifications.inputs import NotificationAction
from todo_gql.features.todos.item_lists import duplicates, size_problems
from todo_gql.inbox.access import IS_UNREAD, is_snoozed

ROWS_AT_ONCE: Final = 5_000
# Whoever changes which entries are unread holds this lock, so that the count stays exact.
LOCK_INBOX: Final = "SELECT FROM inboxes WHERE owner_id = $1 FOR NO KEY UPDATE"
SELECT: Final = """
SELECT id, read_at, snoozed_until, archived_at FROM notifications
WHERE owner_id = $1 AND id = ANY($2)
"""
UPDATE: Final = """
UPDATE notifications n SET read_at = e.read_at, snoozed_until = e.snoozed_until,
    archived_at = e.archived_at
FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
    AS e (id, read_at, snoozed_until, archived_at)
WHERE n.owner_id = $1 AND n.id = e.id
"""
COUNT: Final = "UPDATE inboxes SET unread_count = unread_count + $2 WHERE owner_id = $1"
POSITION: Final = "SELECT created_at, id FROM notifications WHERE owner_id = $1 AND id = $2"
READ_SOME: Final = f"""
WITH batch AS (
    SELECT n.id FROM notifications n WHERE n.owner_id = $1 AND (n.created_at, n.id) <= ($2, $3)
        AND {IS_UNREAD} AND NOT ({is_snoozed("$4")}) LIMIT $5
), changed AS (
    UPDATE notifications n SET read_at = $4 FROM batch WHERE n.owner_id = $1 AND n.id = batch.id
    RETURNING 1
)
SELECT count(*) AS number FROM changed
"""


class EntryState(NamedTuple):
    """What a person has done with an entry."""

    read_at: datetime | None
    snoozed_until: datetime | None
    archived_at: datetime | None

    @property
    def is_unread(self) -> bool:
        """Whether it counts as unread."""
        return self.read_at is None and self.archived_at is None


Edit = Callable[[EntryState], EntryState]


def edit_of(action: NotificationAction, now: datetime) -> Edit:
    """What an action does with an entry; what was done before keeps its time."""
    if (set_read := action.set_read) is not None:
        return lambda state: state._replace(
            read_at=(state.read_at or now) if set_read.value else None
        )
    if (set_archived := action.set_archived) is not None:
        return lambda state: state._replace(
            archived_at=(state.archived_at or now) if set_archived.value else None
        )
    assert action.snooze_until is not None
    until = action.snooze_until.value
    return lambda state: state._replace(snoozed_until=until if until > now else None)


@retried
async def update_entries(owner_id: UUID, ids: Sequence[str], edit: Edit) -> list[UserError]:
    """Edit all entries with these ids, or none if there are errors, which are returned."""
    if refusals := [*size_problems(ids, "ids"), *duplicates(ids, "ids")]:
        return refusals
    keys = [parse_id(id) for id in ids]
    async with transaction() as connection:
        await connection.execute(LOCK_INBOX, owner_id)
        rows = await connection.fetch(SELECT, owner_id, [key for key in keys if key])
        by_id = {row["id"]: row for row in rows}
        if missing := [number for number, key in enumerate(keys) if key not in by_id]:
            return [not_found("ids", str(number)) for number in missing]
        await _store(connection, owner_id, rows, edit)
    return []


async def _store(connection: Connection, owner_id: UUID, rows: Sequence[Row], edit: Edit) -> None:
    before = {id: EntryState(*state) for id, *state in rows}
    after = {id: edit(state) for id, state in before.items()}
    changed = [(id, *state) for id, state in after.items() if state != before[id]]
    if changed:
        await connection.execute(UPDATE, owner_id, *zip(*changed, strict=True))
    unread = sum(state.is_unread for state in after.values())
    if difference := unread - sum(state.is_unread for state in before.values()):
        await connection.execute(COUNT, owner_id, difference)


async def read_all(owner_id: UUID, up_to_id: str, now: datetime) -> list[UserError]:
    """Mark an entry and all that are older as read, but for what is snoozed; the errors, if any.

    In batches, each of which is a transaction of its own.
    """
    key = parse_id(up_to_id)
    position = await fetchrow(POSITION, owner_id, key) if key else None
    if position is None:
        return [not_found("upToId")]
    while await _read_some(owner_id, position, now) == ROWS_AT_ONCE:
        pass
    return []


@retried
async def _read_some(owner_id: UUID, position: Row, now: datetime) -> int:
    async with transaction() as connection:
        await connection.execute(LOCK_INBOX, owner_id)
        values = (position["created_at"], position["id"], now, ROWS_AT_ONCE)
        number = int(await connection.fetchval(READ_SOME, owner_id, *values))
        if number:
            await connection.execute(COUNT, owner_id, -number)
    return number
