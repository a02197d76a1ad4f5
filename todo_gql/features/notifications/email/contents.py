"""What a mail of notifications says: entries that are still of use, as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.features.comments.mentions import READ_FOR_EXCERPT, excerpt_of
from todo_gql.features.members.access import open_invitations_of
from todo_gql.features.stats.overdue import OPEN
from todo_gql.inbox.access import IS_UNREAD, is_snoozed
from todo_gql.inbox.event_texts import event_text
from todo_gql.inbox.preferences import Preferences
from todo_gql.security.access import is_member

MAX_LINES: Final = 50
# Unread, not snoozed, and about something that is there; a reminder of what is done is of no use.
# Only what the owner of the inbox sees now is shown.
SELECT: Final = f"""
SELECT n.id, n.kind, n.source, n.event_count, n.created_at, n.subject_kind,
    coalesce(t.title, l.name, s.name, i.list_name) AS title, left(o.body, {READ_FOR_EXCERPT}) AS body, t.due_at, t.due_date, count(*) OVER () AS total
FROM notifications n
    LEFT JOIN todos t ON n.subject_kind = {ChangeKind.TODO.value} AND t.id = n.subject_id
        AND (t.owner_id = n.owner_id OR {is_member("t.list_id", "n.owner_id")}) AND t.deleted_at IS NULL
    LEFT JOIN lists l ON n.subject_kind = {ChangeKind.LIST.value} AND l.id = n.subject_id
        AND (l.owner_id = n.owner_id OR {is_member("l.id", "n.owner_id")}) AND l.deleted_at IS NULL
    LEFT JOIN sections s ON n.subject_kind = {ChangeKind.SECTION.value} AND s.id = n.subject_id
        AND (s.owner_id = n.owner_id OR {is_member("s.list_id", "n.owner_id")}) AND s.deleted_at IS NULL
    LEFT JOIN (comments o JOIN todos ot ON ot.owner_id = o.owner_id AND ot.id = o.todo_id
            AND ot.deleted_at IS NULL)
        ON n.subject_kind = {ChangeKind.COMMENT.value} AND o.id = n.subject_id AND o.deleted_at IS NULL
        AND (ot.owner_id = n.owner_id OR {is_member("ot.list_id", "n.owner_id")})
    LEFT JOIN ({open_invitations_of("$1")}) i ON n.subject_kind = {ChangeKind.MEMBER.value} AND i.id = n.subject_id
WHERE n.owner_id = $1 AND ($2::uuid[] IS NULL OR n.id = ANY($2)) AND n.kind = ANY($3::smallint[])
    AND {IS_UNREAD} AND NOT ({is_snoozed("now()")})
    AND (n.subject_id IS NULL OR coalesce(t.id, l.id, s.id, o.id, i.id) IS NOT NULL)
    AND (n.kind <> {NotificationKind.REMINDER.value} OR t.id IS NULL OR t.status IN ({OPEN}))
ORDER BY n.created_at DESC, n.id DESC LIMIT {MAX_LINES}
"""
PHRASES: Final[Mapping[NotificationKind, str]] = {
    NotificationKind.ASSIGNED: "Assigned to you",
    NotificationKind.MENTIONED: "You are mentioned",
    NotificationKind.COMMENTED: "New comments",
    NotificationKind.COMPLETED: "Completed",
    NotificationKind.REMINDER: "Reminder",
    NotificationKind.INVITED: "Invitation",
    NotificationKind.MEMBERSHIP: "Members have changed",
    NotificationKind.JOB: "Done",
    NotificationKind.SECURITY: "Security",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """The newest entries to show, and how many there are in all."""

    rows: Sequence[Row]
    total: int


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in a mail: why, about what, and further facts such as when it is due."""

    phrase: str
    title: str | None
    facts: str


async def contents_of(
    owner_id: UUID, ids: Sequence[UUID] | None, preferences: Preferences
) -> Contents:
    """The entries with these ids, or all of an inbox, that are still to be mailed; newest first.

    Of the entries with ids only the kinds that are mailed. Raises what `fetch` raises.
    """
    kinds = [kind for kind in PHRASES if ids is None or preferences.channels(kind).email]
    rows = await fetch(SELECT, owner_id, ids, kinds)
    return Contents(rows, rows[0]["total"] if rows else 0)


def lines_of(contents: Contents, zone: ZoneInfo) -> list[Line]:
    """The lines of entries, with times by the wall clock of the person's zone."""
    return [_line(row, zone) for row in contents.rows]


def _line(row: Row, zone: ZoneInfo) -> Line:
    kind = NotificationKind(row["kind"])
    facts = []
    if row["event_count"] > 1:
        facts.append(f"{row['event_count']} times")
    if kind is NotificationKind.REMINDER and (due := _due(row, zone)):
        facts.append(f"due {due}")
    elif kind is not NotificationKind.REMINDER:
        facts.append(_moment(row["created_at"], zone))
    title = row["title"] or event_text(kind, row["source"])
    if row["body"]:
        title = excerpt_of(row["body"])
    return Line(PHRASES[kind], title, ", ".join(facts))


def _due(row: Row, zone: ZoneInfo) -> str | None:
    if row["due_at"] is not None:
        return _moment(row["due_at"], zone)
    return f"{row['due_date']:%A %-d %B %Y}" if row["due_date"] is not None else None


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%A %-d %B %Y, %H:%M}"
