"""Reminders, put there by the API and without it, and what became of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.support.accounts import Account
from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import NotificationKind

PARTS = "id at anchor offset firesAt firedAt todo { id }"
PAYLOAD = f"{{ reminder {{ {PARTS} }} errors {{ __typename code message path }} }}"
ADD = f"mutation ($id: ID!, $input: ReminderInput!) {{ reminderAdd(todoId: $id, input: $input) {PAYLOAD} }}"
INSERT = """
INSERT INTO reminders (id, owner_id, todo_id, person_id, at, fires_at, created_at)
SELECT n.id, t.owner_id, t.id, coalesce($4, t.owner_id), now() - n.late, now() - n.late, now()
FROM unnest($1::uuid[], $2::interval[]) AS n (id, late), todos t WHERE t.id = $3
"""
COME = (
    """UPDATE todos t SET due_at = now() + interval '1 hour'
    FROM reminders r WHERE r.todo_id = t.id AND r.id = ANY($1)""",
    """UPDATE reminders r SET fires_at = t.due_at - interval '1 hour'
    FROM todos t WHERE r.todo_id = t.id AND r.id = ANY($1)""",
)
STORED = "SELECT * FROM reminders WHERE id = ANY($1)"
ENTERED = """
SELECT * FROM notifications WHERE owner_id = $1 AND kind = $2 ORDER BY created_at, seq
"""


async def put_reminders(
    todo: dict[str, Any], *late: timedelta, person: Account | None = None
) -> list[UUID]:
    """Store reminders of a todo that are so late; their ids."""
    ids = [uuid4() for _ in late]
    await fetch(INSERT, ids, late, UUID(todo["id"]), UUID(person.id) if person else None)
    return ids


async def let_come(ids: Sequence[str]) -> None:
    """Have the moment of reminders come just now, which are an hour before their todos are due."""
    reminders = [UUID(id) for id in ids]
    for statement in COME:
        await fetch(statement, reminders)


async def stored_reminders(ids: Sequence[UUID | str]) -> dict[UUID, Row]:
    """The rows of reminders by their ids."""
    rows = await fetch(STORED, [UUID(str(id)) for id in ids])
    return {row["id"]: row for row in rows}


async def reminded_of(account: Account) -> list[Row]:
    """The reminders in an inbox, in the order in which they were entered."""
    return await fetch(ENTERED, UUID(account.id), NotificationKind.REMINDER)


def reminder_id(row: Row) -> UUID:
    """The id of the reminder that an entry of an inbox is about."""
    return UUID(row["source"].split()[0])


def relative(offset: str, anchor: str | None = None) -> dict[str, Any]:
    """The input of a relative reminder."""
    return {"relative": {"offset": offset} | ({"anchor": anchor} if anchor else {})}


async def add(account: Account, id: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The payload of adding a reminder."""
    return dict((await account.data(ADD, id=id, input=sent))["reminderAdd"])


async def added(account: Account, id: str, sent: dict[str, Any]) -> dict[str, Any]:
    """A reminder that was added."""
    payload = await add(account, id, sent)
    assert payload["errors"] == [], payload
    return dict(payload["reminder"])
