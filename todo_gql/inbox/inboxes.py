"""Inboxes that are locked, so that entries get their numbers and counts in the order of commits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from todo_gql.database.connection import Connection, Row
from todo_gql.inbox.preferences import PREFERENCE_COLUMNS, Preferences

# Accounts first, as the foreign keys lock them anyway: whoever deletes one locks it before its inbox.
LOCK = f"""
SELECT i.owner_id, i.entry_seq, {PREFERENCE_COLUMNS}, clock_timestamp() AS now,
    EXISTS (SELECT FROM push_subscriptions s WHERE s.owner_id = i.owner_id) AS has_browsers
FROM users u JOIN inboxes i ON i.owner_id = u.id
    LEFT JOIN notification_preferences p ON p.owner_id = u.id
WHERE u.id = ANY($1) AND i.owner_id = ANY($1) ORDER BY u.id
FOR KEY SHARE OF u FOR NO KEY UPDATE OF i
"""
CREATE = """
INSERT INTO inboxes (owner_id) SELECT u.id FROM users u WHERE u.id = ANY($1) ORDER BY u.id
ON CONFLICT DO NOTHING
"""
UPDATE = """
UPDATE inboxes i SET unread_count = i.unread_count + e.number, entry_seq = e.seq
FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS e (owner_id, number, seq)
WHERE i.owner_id = ANY($1) AND i.owner_id = e.owner_id
"""


@dataclass(slots=True)
class LockedInbox:
    """An inbox in a transaction that holds its lock; `new` is how many unread entries it got."""

    preferences: Preferences
    has_browsers: bool
    now: datetime
    seq: int
    new: int = 0

    @classmethod
    def of_row(cls, row: Row) -> Self:
        """The inbox in a row of `LOCK`."""
        return cls(Preferences.of_row(row), row["has_browsers"], row["now"], row["entry_seq"])

    def next_seq(self) -> int:
        """The number of its next entry, or of one that is counted up."""
        self.seq += 1
        return self.seq


async def locked_inboxes(
    connection: Connection, owner_ids: Collection[UUID]
) -> dict[UUID, LockedInbox]:
    """Lock the inboxes of some accounts, created if need be, in the order of their ids.

    Accounts that are gone have none.
    """
    ids = list(owner_ids)
    rows = await connection.fetch(LOCK, ids)
    if len(rows) < len(ids):
        await connection.execute(CREATE, ids)
        rows = await connection.fetch(LOCK, ids)
    return {row["owner_id"]: LockedInbox.of_row(row) for row in rows}


async def save_inboxes(connection: Connection, inboxes: dict[UUID, LockedInbox]) -> None:
    """Store the numbers and counts of locked inboxes."""
    numbers = [(id, inbox.new, inbox.seq) for id, inbox in inboxes.items()]
    await connection.execute(UPDATE, *zip(*numbers, strict=True))
