"""What follows from the database of time zones, computed anew when a release brings another version."""

import logging
from datetime import date
from importlib.metadata import version
from typing import Final
from uuid import UUID

from todo_gql.api.time_zones import day_of, time_zone
from todo_gql.database.connection import Connection, fetch
from todo_gql.database.owner_batches import LOWEST_ID, owner_transaction, owners_where
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.inbox.preference_writes import reschedule_digests
from todo_gql.reminder_times.recompute import recompute_of_owner

logger = logging.getLogger(__name__)

VERSION: Final = version("tzdata")
BATCH_SIZE: Final = 1_000
STORED_VERSION = "SELECT version FROM data_versions WHERE name = 'tzdata'"
STORE_VERSION = """
INSERT INTO data_versions (name, version) VALUES ('tzdata', $1)
ON CONFLICT (name) DO UPDATE SET version = excluded.version
"""
# Moments stay what they are; their days, and what is counted from days, may change.
CONCERNED = """
$3::int = 0 AND (
    EXISTS (SELECT FROM todos t WHERE t.owner_id = u.id AND t.due_time_zone IS NOT NULL)
    OR EXISTS (SELECT FROM reminders r WHERE r.owner_id = u.id AND r.anchor IS NOT NULL)
    OR EXISTS (SELECT FROM notification_preferences p WHERE p.owner_id = u.id)
)
"""
TODOS = f"""
SELECT id, due_at, due_time_zone, due_on, start_at, start_on, start_date FROM todos
WHERE owner_id = $1 AND id > $2 AND due_at IS NOT NULL AND due_time_zone IS NOT NULL
ORDER BY id LIMIT {BATCH_SIZE}
"""
SET_DAYS = """
UPDATE todos t SET due_on = n.due_on, start_on = n.start_on
FROM unnest($2::uuid[], $3::date[], $4::date[]) AS n (id, due_on, start_on)
WHERE t.owner_id = $1 AND t.id = n.id
"""
NOW = "SELECT clock_timestamp()"


async def follow_time_zone_data() -> int:
    """Compute anew what follows from time zones if their version isn't the stored one.

    Returns the number of accounts. One that fails is logged, and all are looked at again the next time.
    """
    rows = await fetch(STORED_VERSION)
    if rows and rows[0]["version"] == VERSION:
        return 0
    accounts, failed = 0, False
    async for owner_id in owners_where(CONCERNED, 0):
        try:
            await recompute_account(owner_id)
            accounts += 1
        except Exception:
            failed = True
            logger.exception(
                "an account can't follow the time zones", extra={"owner_id": str(owner_id)}
            )
    if not failed:
        await fetch(STORE_VERSION, VERSION)
    return accounts


async def recompute_account(owner_id: UUID) -> None:
    """Compute anew the days of an account's todos, and when its reminders and its digest are due.

    Each batch of todos holds the owner's lock for itself.
    """
    last: UUID | None = LOWEST_ID
    while last:
        async with owner_transaction(owner_id) as connection:
            last = await _set_days(connection, owner_id, last)
    async with owner_transaction(owner_id) as connection:
        await recompute_of_owner(connection, owner_id, await connection.fetchval(NOW))
    await reschedule_digests([owner_id])


async def _set_days(connection: Connection, owner_id: UUID, after: UUID) -> UUID | None:
    """Set the days of a batch of todos with a higher id; returns the last id, or None after all."""
    rows = await connection.fetch(TODOS, owner_id, after)
    time_slice, moved = TimeSlice(), list[tuple[UUID, date, date | None]]()
    for row in rows:
        await time_slice.checkpoint()
        zone, start_at = time_zone(row["due_time_zone"]), row["start_at"]
        due_on = day_of(row["due_at"], zone)
        start_on = day_of(start_at, zone) if start_at else row["start_date"]
        if (due_on, start_on) != (row["due_on"], row["start_on"]):
            moved.append((row["id"], due_on, start_on))
    if moved:
        await connection.execute(SET_DAYS, owner_id, *zip(*moved, strict=True))
    return rows[-1]["id"] if rows else None
