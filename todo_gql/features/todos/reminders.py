"""Reminders of todos as they are stored: who may see them, and adding them under the owner's lock."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import Reminder
from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.reminder_inputs import ReminderDraft
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext
from todo_gql.security.access import bound_to_lists, columns, is_member, owned
from todo_gql.security.authentication import Viewer

REMINDER_COLUMNS: Final = columns(Reminder, "r")
INSERT: Final = f"""
INSERT INTO reminders AS r (id, owner_id, todo_id, person_id, at, anchor, relative_offset, fires_at, created_at)
SELECT n.id, $1, n.todo_id, $2, n.at, n.anchor, n.relative_offset, n.fires_at, $3
FROM unnest($4::uuid[], $5::uuid[], $6::timestamptz[], $7::smallint[], $8::text[], $9::timestamptz[])
    AS n (id, todo_id, at, anchor, relative_offset, fires_at)
RETURNING {", ".join(REMINDER_COLUMNS)}
"""


OF_SHARED_TODO: Final = (
    "EXISTS (SELECT FROM todos s WHERE s.owner_id = r.owner_id AND s.id = r.todo_id"
    f" AND {is_member('s.list_id')})"
)
"""SQL: the todo of a reminder `r` is in a list that the user `$1` is a member of."""

LIST_OF_TODO: Final = (
    "(SELECT b.list_id FROM todos b WHERE b.owner_id = r.owner_id AND b.id = r.todo_id)"
)
"""SQL: the list of the todo of a reminder `r`."""

OF_TODOS: Final = f"""
SELECT {", ".join(REMINDER_COLUMNS)} FROM reminders r
WHERE r.owner_id = $1 AND r.person_id = $2 AND r.todo_id = ANY($3) ORDER BY r.id
"""


async def add_reminders(
    write: OwnerWrite, drafts: Iterable[tuple[TodoState, Sequence[ReminderDraft]]]
) -> list[Row]:
    """Store reminders of the actor's for todos, in their order; returns their rows."""
    zone, now = write.clock.zone_name, write.now
    values = [
        (
            *(uuid7(), todo.id, draft.at, draft.anchor, draft.stored_offset),
            draft.fires_at(todo, zone, now),
        )
        for todo, todo_drafts in drafts
        for draft in todo_drafts
    ]
    if not values:
        return []
    columns = zip(*values, strict=True)
    write.has_moved_reminders = True
    return await write.connection.fetch(INSERT, write.owner_id, write.actor_id, now, *columns)


async def stored_reminders(write: OwnerWrite, todo_ids: Sequence[UUID]) -> list[list[Row]]:
    """The actor's reminders of each todo as they are inside the transaction."""
    rows = await write.connection.fetch(OF_TODOS, write.owner_id, write.actor_id, todo_ids)
    return by_todo(rows, todo_ids)


def reminders_of(viewer: Viewer) -> SelectQuery:
    """The viewer's reminders `r` of todos that they see, also in the trash."""
    if not viewer.is_member:
        statement = bound_to_lists(owned("reminders r", "r", viewer.id), viewer, LIST_OF_TODO)
        return statement.where("r.person_id = $1")
    statement = SelectQuery("reminders r")
    statement.where(f"r.person_id = {statement.bind(viewer.id)}")
    statement = bound_to_lists(statement, viewer, LIST_OF_TODO)
    return statement.where(f"(r.owner_id = $1 OR {OF_SHARED_TODO})")


def visible_reminders(viewer: Viewer) -> SelectQuery:
    """The viewer's reminders `r` of todos outside the trash."""
    owner = "r.owner_id" if viewer.is_member else "$1"
    return reminders_of(viewer).where(
        f"EXISTS (SELECT FROM todos t WHERE t.owner_id = {owner} AND t.id = r.todo_id AND t.deleted_at IS NULL)"
    )


@loader
async def reminders_by_todo_id(context: LoaderContext, ids: list[UUID]) -> list[list[Row]]:
    """The viewer's reminders of each todo, in the order in which they were added."""
    statement = reminders_of(context.viewer).where_one_of("r.todo_id", ids)
    text = statement.select(REMINDER_COLUMNS, order_by="r.id")
    return by_todo(await fetch(text, *statement.values), ids)


def by_todo(rows: Sequence[Row], ids: Sequence[UUID]) -> list[list[Row]]:
    """The rows of reminders by todo: a list for each id, in the order of the ids."""
    reminders: dict[UUID, list[Row]] = {id: [] for id in ids}
    for row in rows:
        reminders[row["todo_id"]].append(row)
    return [reminders[id] for id in ids]
