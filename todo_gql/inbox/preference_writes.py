"""Storing how a person is notified, and when their next digest is due."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from todo_gql.database.connection import Connection, Row, transaction
from todo_gql.inbox.preferences import PREFERENCE_COLUMNS, Preferences

CREATE: Final = """
INSERT INTO notification_preferences (owner_id, kinds, quiet_hours, digest_days)
SELECT id, '{}', '[]', '[1, 2, 3, 4, 5, 6, 7]' FROM users WHERE id = $1 ON CONFLICT DO NOTHING
"""
LOCK: Final = f"""
SELECT p.owner_id, {PREFERENCE_COLUMNS}, clock_timestamp() AS now
FROM users u JOIN notification_preferences p ON p.owner_id = u.id
WHERE u.id = ANY($1) AND p.owner_id = ANY($1) ORDER BY u.id
FOR KEY SHARE OF u FOR NO KEY UPDATE OF p
"""
STORE: Final = """
UPDATE notification_preferences SET kinds = $2, quiet_hours = $3, digest_at = $4, digest_days = $5
WHERE owner_id = $1
"""
SCHEDULE: Final = """
UPDATE notification_preferences p SET next_digest_at = e.next
FROM unnest($1::uuid[], $2::timestamptz[]) AS e (owner_id, next)
WHERE p.owner_id = ANY($1) AND p.owner_id = e.owner_id
"""
JSON_COLUMNS: Final = ("kinds", "quiet_hours", "digest_days")


async def locked_preferences(connection: Connection, owner_id: UUID) -> Row | None:
    """The row of an account's preferences, locked, and created if need be.

    None if the account is gone.
    """
    await connection.execute(CREATE, owner_id)
    return await connection.fetchrow(LOCK, [owner_id])


async def store_preferences(
    connection: Connection, row: Row, values: Mapping[str, Any]
) -> Preferences:
    """Store new values by column in a locked row; the preferences as they are then."""
    stored = dict(row) | {
        name: orjson.dumps(value).decode() if name in JSON_COLUMNS else value
        for name, value in values.items()
    }
    columns = ("owner_id", "kinds", "quiet_hours", "digest_at", "digest_days")
    await connection.execute(STORE, *(stored[name] for name in columns))
    preferences = Preferences.of_row(stored)
    next_digest = preferences.next_digest_after(row["now"])
    await connection.execute(SCHEDULE, [row["owner_id"]], [next_digest])
    return preferences


async def reschedule_digests(owner_ids: Sequence[UUID]) -> None:
    """Compute anew when digests are due, after time zones have changed.

    Raises what `transaction` and asyncpg raise.
    """
    async with transaction() as connection:
        await schedule_digests(connection, await connection.fetch(LOCK, list(owner_ids)))


async def schedule_digests(connection: Connection, rows: Sequence[Row]) -> None:
    """Set when the next digests of locked preferences are due, after each row's `now`."""
    if rows:
        due = [Preferences.of_row(row).next_digest_after(row["now"]) for row in rows]
        await connection.execute(SCHEDULE, [row["owner_id"] for row in rows], due)
