"""Entering notifications into inboxes, in the transaction of what causes them.

After the commit, call `wake_ups.announce` with the owners, so that their subscriptions notice at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.database.connection import Connection, Row
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.inbox.inboxes import LockedInbox, locked_inboxes, save_inboxes

EMAIL_DELAY: Final = timedelta(minutes=5)
"""How long a notification may be read before it is mailed, and is counted up by others."""

NEVER_COUNTED_UP: Final = frozenset({NotificationKind.REMINDER, NotificationKind.SECURITY})
MAILED_OTHERWISE: Final = frozenset({NotificationKind.SECURITY, NotificationKind.INVITED})
"""Kinds of which mails of their own are sent."""

# One's own acts cause these, too.
OF_OWN_ACTS: Final = frozenset(
    {NotificationKind.REMINDER, NotificationKind.JOB, NotificationKind.SECURITY}
)
KNOWN_SOURCES = """
SELECT n.owner_id, n.kind, n.source
FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS e (owner_id, kind, source)
    JOIN notifications n ON n.owner_id = e.owner_id AND n.kind = e.kind AND n.source = e.source
WHERE n.owner_id = ANY($1)
"""
RECENT = """
SELECT DISTINCT ON (n.owner_id, n.kind, n.subject_kind, n.subject_id)
    n.id, n.owner_id, n.kind, n.subject_kind, n.subject_id
FROM unnest($1::uuid[], $2::uuid[]) AS e (owner_id, subject_id)
    JOIN notifications n ON n.owner_id = e.owner_id AND n.subject_id = e.subject_id
WHERE n.owner_id = ANY($1) AND n.created_at > statement_timestamp() - $3::interval
    AND n.read_at IS NULL AND n.archived_at IS NULL
ORDER BY n.owner_id, n.kind, n.subject_kind, n.subject_id, n.created_at DESC
"""
COUNT_UP = """
UPDATE notifications n SET event_count = n.event_count + e.number, actor_id = e.actor_id, seq = e.seq
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::bigint[])
    AS e (id, owner_id, number, actor_id, seq)
WHERE n.owner_id = ANY($2) AND n.owner_id = e.owner_id AND n.id = e.id
"""
INSERT = """
INSERT INTO notifications (id, owner_id, kind, source, actor_id, subject_kind, subject_id, event_count,
    seq, email_at, push_at, created_at)
SELECT e.*, statement_timestamp() FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[],
    $5::uuid[], $6::smallint[], $7::uuid[], $8::int[], $9::bigint[], $10::timestamptz[],
    $11::timestamptz[]) e
ON CONFLICT (owner_id, kind, source) DO NOTHING RETURNING owner_id
"""


class Entry(NamedTuple):
    """What to notify somebody of.

    `source` identifies what caused it, so that the same is entered once only. The subject is what it is
    about. Nobody is notified of what they did themselves. `is_quiet` leaves it to the inbox alone.
    """

    owner_id: UUID
    kind: NotificationKind
    source: str
    actor_id: UUID | None
    subject_kind: ChangeKind | None
    subject_id: UUID | None
    is_quiet: bool = False

    @property
    def is_of_own_act(self) -> bool:
        """Whether it would notify somebody of what they did themselves."""
        return self.actor_id == self.owner_id and self.kind not in OF_OWN_ACTS

    @property
    def is_counted_up(self) -> bool:
        """Whether others of the same kind and subject are counted with it."""
        return self.subject_id is not None and self.kind not in NEVER_COUNTED_UP

    @property
    def key(self) -> "Key":
        """What is entered once only."""
        return self.owner_id, self.kind, self.source

    @property
    def group(self) -> "Group":
        """What is counted as one entry."""
        if self.is_counted_up:
            return self.owner_id, self.kind, self.subject_kind, self.subject_id
        return self.key


Key: TypeAlias = tuple[UUID, int, str]
Group: TypeAlias = Key | tuple[UUID, int, int | None, UUID | None]
Groups: TypeAlias = Mapping[Group, list[Entry]]


async def enter(connection: Connection, entries: Sequence[Entry]) -> int:
    """Enter notifications, in the connection's transaction; the number of new ones in inboxes.

    An entry of the same subject and kind as an unread one of the last five minutes counts that one up
    instead. What was entered before, or is for an account that is gone, changes nothing. Locks the
    accounts' rows against deletion, and their inboxes, in the order of their ids, until the commit.
    """
    by_key = {entry.key: entry for entry in entries if not entry.is_of_own_act}
    if not by_key:
        return 0
    inboxes = await locked_inboxes(connection, {entry.owner_id for entry in by_key.values()})
    countable = [entry for entry in by_key.values() if entry.is_counted_up]
    known = await _known_keys(connection, countable)
    recent = await _recent_ids(connection, countable)
    new, repeated = dict[Group, list[Entry]](), dict[Group, list[Entry]]()
    for key, entry in by_key.items():
        if entry.owner_id in inboxes and key not in known:
            groups = repeated if entry.group in recent else new
            groups.setdefault(entry.group, []).append(entry)
    await _count_up(connection, repeated, recent, inboxes)
    await _insert(connection, new, inboxes)
    await save_inboxes(connection, inboxes)
    return sum(inbox.new for inbox in inboxes.values())


async def _known_keys(connection: Connection, entries: Sequence[Entry]) -> set[Key]:
    """The keys of those that were entered before; the INSERT leaves out others that were."""
    if not entries:
        return set()
    keys = zip(*(entry.key for entry in entries), strict=True)
    return {tuple(row) for row in await connection.fetch(KNOWN_SOURCES, *keys)}


async def _recent_ids(connection: Connection, entries: Iterable[Entry]) -> dict[Group, UUID]:
    """The unread entries of the last minutes that count up, by what is counted with them."""
    subjects = {(entry.owner_id, entry.subject_id) for entry in entries}
    if not subjects:
        return {}
    rows: list[Row] = await connection.fetch(RECENT, *zip(*subjects, strict=True), EMAIL_DELAY)
    return {tuple(group): id for id, *group in rows}


async def _count_up(
    connection: Connection,
    groups: Groups,
    recent: Mapping[Group, UUID],
    inboxes: Mapping[UUID, LockedInbox],
) -> None:
    rows = []
    for group, events in groups.items():
        owner_id, actor_id = events[-1].owner_id, events[-1].actor_id
        rows.append((recent[group], owner_id, len(events), actor_id, inboxes[owner_id].next_seq()))
    if rows:
        await connection.execute(COUNT_UP, *zip(*rows, strict=True))


async def _insert(
    connection: Connection, groups: Groups, inboxes: Mapping[UUID, LockedInbox]
) -> None:
    rows = [_row(entries, inboxes[entries[0].owner_id]) for entries in groups.values()]
    if rows:
        for row in await connection.fetch(INSERT, *zip(*rows, strict=True)):
            inboxes[row["owner_id"]].new += 1


def _row(entries: Sequence[Entry], inbox: LockedInbox) -> tuple[object, ...]:
    first, last = entries[0], entries[-1]
    return (
        uuid7(),
        *first.key,
        last.actor_id,
        first.subject_kind,
        first.subject_id,
        len(entries),
        inbox.next_seq(),
        _email_at(first, inbox),
        _push_at(first, inbox),
    )


def _email_at(entry: Entry, inbox: LockedInbox) -> datetime | None:
    if entry.is_quiet or entry.kind in MAILED_OTHERWISE:
        return None
    if not inbox.preferences.channels(entry.kind).email:
        return None
    delay = timedelta(0) if entry.kind is NotificationKind.REMINDER else EMAIL_DELAY
    return inbox.preferences.after_quiet_hours(entry.kind, inbox.now + delay)


def _push_at(entry: Entry, inbox: LockedInbox) -> datetime | None:
    is_pushed = inbox.has_browsers and inbox.preferences.channels(entry.kind).push
    if entry.is_quiet or not is_pushed:
        return None
    return inbox.preferences.after_quiet_hours(entry.kind, inbox.now)
