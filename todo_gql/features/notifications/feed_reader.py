"""Follows each person's feed for what others did, and enters it into their inbox.

The number of the last change that was read is stored with the inbox and raised in the transaction that
enters: so each change is entered once, however many workers read and whenever they are ended.
"""

from collections.abc import Sequence
from time import monotonic
from typing import Final
from uuid import UUID

from todo_gql.changelog.grown_logs import GrownLogs, take_grown
from todo_gql.database.connection import Connection, Row, fetch, transaction
from todo_gql.database.owner_batches import owners_where
from todo_gql.database.retry import retried
from todo_gql.features.notifications.events import IS_ASSIGNMENT, entries_of
from todo_gql.inbox.entries import enter
from todo_gql.inbox.inboxes import locked_inboxes
from todo_gql.inbox.wake_ups import announce

READ_SECONDS: Final = 1.0
# Announcements may be lost, so that all feeds are looked through now and then.
SWEEP_SECONDS: Final = 60.0
CHANGES_AT_ONCE: Final = 500
MAX_HOURS: Final = 24
"""Nobody is notified of what happened earlier."""

# An index has only the changes that somebody else than the owner made. Those in lists of others are in spans.
IS_UNREAD: Final = """
(EXISTS (SELECT FROM changes c WHERE c.owner_id = u.id AND c.actor_id <> c.owner_id
    AND c.seq > coalesce((SELECT i.seq FROM inboxes i WHERE i.owner_id = u.id), 0)
    AND c.at > now() - make_interval(hours => $3))
OR EXISTS (SELECT FROM spans s WHERE s.owner_id = u.id
    AND s.seq_to > coalesce((SELECT i.seq FROM inboxes i WHERE i.owner_id = u.id), 0)
    AND s.at > now() - make_interval(hours => $3)))
"""
# The condition has the hours as $3, so that $2 is how many are read.
GROWN: Final = f"SELECT u.id FROM users u WHERE u.id = ANY($1) AND {IS_UNREAD} LIMIT $2"
# Each row has its number in the feed. What the person did in lists of others is read over.
SELECT: Final = f"""
WITH inbox AS (SELECT i.seq FROM inboxes i WHERE i.owner_id = $1), told AS (
    (SELECT c.seq AS number, c.* FROM inbox, changes c
        WHERE c.owner_id = $1 AND c.actor_id <> c.owner_id AND c.seq > inbox.seq
        ORDER BY c.seq LIMIT $3)
    UNION ALL
    (SELECT s.seq_from + c.seq - s.source_from, c.* FROM inbox CROSS JOIN LATERAL (
        SELECT * FROM spans WHERE owner_id = $1 AND seq_to > inbox.seq ORDER BY seq_to LIMIT $3
    ) s CROSS JOIN LATERAL (
        SELECT * FROM changes WHERE owner_id = s.source_owner_id
            AND seq BETWEEN s.source_from + greatest(inbox.seq + 1 - s.seq_from, 0)
            AND s.source_from + s.seq_to - s.seq_from
        ORDER BY seq LIMIT $3
    ) c ORDER BY 1 LIMIT $3)
)
SELECT c.number, c.id, c.kind, c.todo_id, c.entity_id, c.action, c.actor_id,
    c.at > now() - make_interval(hours => $2) AS is_recent, {IS_ASSIGNMENT} AS is_assignment
FROM told c ORDER BY c.number LIMIT $3
"""
MOVE: Final = "UPDATE inboxes SET seq = $2 WHERE owner_id = $1"


class FeedReader:
    """Reads the feeds of all owners in turn."""

    def __init__(self) -> None:
        self._next_sweep = 0.0

    async def run(self) -> None:
        """Read the feeds that have grown, or now and then of all owners; raises what `fetch` raises."""
        if monotonic() >= self._next_sweep:
            self._next_sweep = monotonic() + SWEEP_SECONDS
            take_grown(GrownLogs)
            async for owner_id in owners_where(IS_UNREAD, MAX_HOURS):
                await read_feed(owner_id)
        elif grown := take_grown(GrownLogs):
            for row in await fetch(GROWN, grown, len(grown), MAX_HOURS):
                await read_feed(row["id"])


async def read_feed(owner_id: UUID) -> None:
    """Enter what others did since the feed was last read; raises what `fetch` raises."""
    while await _read_some(owner_id) == CHANGES_AT_ONCE:
        pass


@retried
async def _read_some(owner_id: UUID) -> int:
    async with transaction() as connection:
        if not await locked_inboxes(connection, [owner_id]):
            return 0
        rows = await connection.fetch(SELECT, owner_id, MAX_HOURS, CHANGES_AT_ONCE)
        has_entries = await _enter(connection, owner_id, rows)
    if has_entries:
        announce([owner_id])
    return len(rows)


async def _enter(connection: Connection, owner_id: UUID, rows: Sequence[Row]) -> bool:
    entries = await entries_of(connection, owner_id, rows)
    await enter(connection, entries)
    if rows:
        await connection.execute(MOVE, owner_id, rows[-1]["number"])
    return bool(entries)
