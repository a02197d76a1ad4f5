"""What of inboxes is to be mailed now: in one mail for a person, and in none in their quiet hours."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from todo_gql.database.connection import Connection, Row
from todo_gql.database.models import NotificationKind
from todo_gql.inbox.access import IS_KNOWN, IS_UNREAD, is_snoozed
from todo_gql.inbox.entries import EMAIL_DELAY
from todo_gql.inbox.preferences import PREFERENCE_COLUMNS, Preferences

OWNERS_OF: Final = 1_000
# So that no statement takes long; only who has more due at once gets several mails.
ENTRIES_AT_ONCE: Final = 20_000
# Whoever holds an inbox's lock mails all of it that is due, so that two workers don't split a mail.
LOCK_DUE: Final = f"""
SELECT i.owner_id, {PREFERENCE_COLUMNS}, clock_timestamp() AS now
FROM inboxes i JOIN users u ON u.id = i.owner_id
    LEFT JOIN notification_preferences p ON p.owner_id = i.owner_id
WHERE i.owner_id IN (SELECT n.owner_id FROM notifications n WHERE n.email_at <= now()
    AND {IS_KNOWN} ORDER BY n.email_at LIMIT {OWNERS_OF})
FOR NO KEY UPDATE OF i SKIP LOCKED
"""
# What is due a little later comes along, or else whoever gets much would get a mail every few seconds.
DUE_ENTRIES: Final = f"""
SELECT n.owner_id, n.id, n.kind, n.email_at,
    {IS_UNREAD} AND NOT ({is_snoozed("now()")}) AS is_unread
FROM notifications n WHERE n.owner_id = ANY($1) AND n.email_at <= now() + $2::interval
    AND {IS_KNOWN}
ORDER BY n.owner_id, n.created_at, n.id LIMIT $3
"""
SET_EMAIL_AT: Final = """
UPDATE notifications n SET email_at = e.email_at
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS e (owner_id, id, email_at)
WHERE n.owner_id = ANY($1) AND n.owner_id = e.owner_id AND n.id = e.id
"""


@dataclass(slots=True)
class _Sorting:
    """The due entries of one person: the mails that they make, and when each is due after that."""

    preferences: Preferences
    now: datetime
    mails: dict[bool, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    email_at: dict[UUID, datetime | None] = field(default_factory=dict)

    def sort(self, rows: Iterable[Row]) -> None:
        """Sort the entries: reminders come in a mail of their own, since they are sent at once."""
        waiting: list[Row] = []
        for row in rows:
            if row["email_at"] > self.now:
                waiting.append(row)
            else:
                self._add(row)
        if self.mails[False]:
            for row in waiting:
                if row["kind"] != NotificationKind.REMINDER:
                    self._add(row)

    def _add(self, row: Row) -> None:
        is_mailed = row["is_unread"] and self.preferences.channels(row["kind"]).email
        send_at = self.preferences.after_quiet_hours(row["kind"], self.now) if is_mailed else None
        is_now = send_at == self.now
        self.email_at[row["id"]] = None if is_now else send_at
        if is_now:
            self.mails[row["kind"] == NotificationKind.REMINDER].append(row["id"])


async def claim_due(connection: Connection) -> Sequence[tuple[UUID, Sequence[UUID]]]:
    """The entries of each mail to be sent now, with whose they are, in the connection's transaction.

    They are due no more: whoever claims them has to have them sent in the same transaction.
    """
    owners = await connection.fetch(LOCK_DUE)
    if not owners:
        return []
    ids = [row["owner_id"] for row in owners]
    sortings = {row["owner_id"]: _Sorting(Preferences.of_row(row), row["now"]) for row in owners}
    entries: dict[UUID, list[Row]] = defaultdict(list)
    for row in await connection.fetch(DUE_ENTRIES, ids, EMAIL_DELAY, ENTRIES_AT_ONCE):
        entries[row["owner_id"]].append(row)
    for owner_id, sorting in sortings.items():
        sorting.sort(entries[owner_id])
    await _store(connection, sortings)
    return [
        (owner_id, mail)
        for owner_id, one in sortings.items()
        for mail in one.mails.values()
        if mail
    ]


async def _store(connection: Connection, sortings: Mapping[UUID, _Sorting]) -> None:
    moved = [
        (owner_id, id, email_at)
        for owner_id, sorting in sortings.items()
        for id, email_at in sorting.email_at.items()
    ]
    if moved:
        await connection.execute(SET_EMAIL_AT, *zip(*moved, strict=True))
