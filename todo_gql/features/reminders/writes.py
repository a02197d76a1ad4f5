"""Adding, changing and deleting reminders, under the lock of the todo's owner."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.retry import retried
from todo_gql.features.reminders.types import ReminderPayload
from todo_gql.features.todos.owners import owner_of, owner_of_todo
from todo_gql.features.todos.reminder_inputs import MAX_REMINDERS, ReminderInput, read_reminder
from todo_gql.features.todos.reminders import REMINDER_COLUMNS, add_reminders
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.types import Reminder
from todo_gql.features.todos.viewer_writes import viewer_write
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.operation.context import Info

COLUMNS: Final = ", ".join(REMINDER_COLUMNS)
COUNT = "SELECT count(*) FROM reminders WHERE owner_id = $1 AND todo_id = $2 AND person_id = $3"
STORED = """
SELECT todo_id, fires_at FROM reminders WHERE owner_id = $1 AND id = $2 AND person_id = $3 FOR UPDATE
"""
UPDATE = f"""
UPDATE reminders r SET at = $4, anchor = $5, relative_offset = $6, fires_at = $7
WHERE r.owner_id = $1 AND r.id = $2 AND r.person_id = $3 RETURNING {COLUMNS}
"""
DELETE = "DELETE FROM reminders WHERE owner_id = $1 AND id = $2 AND person_id = $3"
# The viewer's own, of todos of others.
OWNERS_OF_REMINDERS: Final = """
SELECT r.id, r.owner_id FROM reminders r WHERE r.person_id = $1 AND r.id = ANY($2::uuid[])
"""


class _Stored(NamedTuple):
    """The todo of a stored reminder, and when that fires."""

    todo: TodoState
    fires_at: datetime | None


@retried
async def add_reminder(info: Info, todo_id: str, sent: ReminderInput) -> ReminderPayload:
    """Add a reminder of the viewer's to a todo. `Unauthenticated` if nobody is signed in."""
    id, viewer = parse_id(todo_id), info.context.signed_in()
    owner_id, actor_id = await owner_of_todo(viewer, id), viewer.id
    draft, problems = read_reminder(sent, info.context.now, "input")
    ids = [id] if id else []
    async with viewer_write(viewer, owner_id, ids) as write:
        todos = await write.load_named(ids)
        if id not in todos:
            return ReminderPayload(errors=[not_found("todoId"), *problems])
        number = await write.connection.fetchval(COUNT, owner_id, id, actor_id)
        if number >= MAX_REMINDERS:
            message = f"The todo has {MAX_REMINDERS} reminders, and more are not allowed."
            problems.insert(0, invalid(ErrorCode.TOO_MANY, message, "todoId"))
        if problems:
            return ReminderPayload(errors=problems)
        [row] = await add_reminders(write, [(todos[id], [draft])])
    info.context.clear_loaders()
    return ReminderPayload(reminder=Reminder.from_row(row))


@retried
async def update_reminder(info: Info, id: str, sent: ReminderInput) -> ReminderPayload:
    """Replace when a reminder of the viewer's fires. `Unauthenticated` if nobody is signed in."""
    reminder_id, viewer = parse_id(id), info.context.signed_in()
    owner_id, actor_id = await owner_of(OWNERS_OF_REMINDERS, viewer, reminder_id), viewer.id
    draft, problems = read_reminder(sent, info.context.now, "input")
    async with viewer_write(viewer, owner_id) as write:
        stored = await _load(write, reminder_id)
        if stored is None:
            return ReminderPayload(errors=[not_found("id"), *problems])
        if problems:
            return ReminderPayload(errors=problems)
        zone, pending = write.clock.zone_name, stored.fires_at
        fires_at = draft.fires_at(stored.todo, zone, write.now, pending=pending)
        values = draft.at, draft.anchor, draft.stored_offset, fires_at
        row = await write.connection.fetchrow(UPDATE, owner_id, reminder_id, actor_id, *values)
    assert row is not None
    info.context.clear_loaders()
    return ReminderPayload(reminder=Reminder.from_row(row))


@retried
async def delete_reminder(info: Info, id: str) -> list[UserError]:
    """Delete a reminder of the viewer's; returns why it isn't deleted.

    `Unauthenticated` if nobody is signed in.
    """
    reminder_id, viewer = parse_id(id), info.context.signed_in()
    owner_id, actor_id = await owner_of(OWNERS_OF_REMINDERS, viewer, reminder_id), viewer.id
    async with viewer_write(viewer, owner_id) as write:
        if await _load(write, reminder_id) is None:
            return [not_found("id")]
        await write.connection.execute(DELETE, owner_id, reminder_id, actor_id)
    info.context.clear_loaders()
    return []


async def _load(write: OwnerWrite, id: UUID | None) -> _Stored | None:
    """The actor's reminder with this id of a todo of the owner's, outside the trash, that the actor sees.

    `OwnerChanged` if it is of another owner's todo by now.
    """
    key = write.owner_id, id, write.actor_id
    row = await write.connection.fetchrow(STORED, *key) if id else None
    if row is None:
        await write.check_owners(OWNERS_OF_REMINDERS, [id])
        return None
    todo = (await write.load([row["todo_id"]])).get(row["todo_id"])
    return _Stored(todo, row["fires_at"]) if todo else None
