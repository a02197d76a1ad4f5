"""The reminders that wait for a worker."""

from typing import Final

from todo_gql.database.connection import Row, fetch

DUE: Final = """
SELECT id, owner_id, todo_id, fires_at, now() - fires_at AS late FROM reminders
WHERE fires_at > '-infinity' AND fires_at <= now() ORDER BY fires_at LIMIT $1
"""


async def due_reminders(limit: int) -> list[Row]:
    """The reminders that are due and haven't fired, earliest first, with how `late` they are."""
    return await fetch(DUE, limit)
