"""The words of push messages, made from a notification and what it is about as they are now."""

from typing import Final
from uuid import UUID

from todo_gql.database.connection import Row
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.features.comments.mentions import READ_FOR_EXCERPT, excerpt_of
from todo_gql.features.members.access import open_invitations_of
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.access import TODO_OF_MEMBER
from todo_gql.inbox.event_texts import event_text
from todo_gql.push.message import PushMessage
from todo_gql.security.access import is_member

TITLES: Final = {
    NotificationKind.ASSIGNED: "Assigned to you",
    NotificationKind.MENTIONED: "You were mentioned",
    NotificationKind.COMMENTED: "New comment",
    NotificationKind.COMPLETED: "Completed",
    NotificationKind.REMINDER: "Reminder",
    NotificationKind.INVITED: "Invitation",
    NotificationKind.MEMBERSHIP: "Members changed",
    NotificationKind.JOB: "Done",
    NotificationKind.SECURITY: "Security of your account",
}
URGENT: Final = frozenset({NotificationKind.REMINDER, NotificationKind.SECURITY})
"""Kinds that a device should show at once, even if that uses up its battery (RFC 8030, section 5.3)."""

# The subject as the person sees it now: null in the trash, and when it is gone.
SELECT_NOTIFICATION: Final = f"""
SELECT n.id, n.kind, n.source, n.event_count, n.subject_kind, n.subject_id, t.title, t.status,
    coalesce(l.name, c.name, i.list_name) AS name, left(o.body, {READ_FOR_EXCERPT}) AS body, o.todo_id
FROM notifications n
    LEFT JOIN todos t ON n.subject_kind = 0 AND t.id = n.subject_id AND {TODO_OF_MEMBER}
        AND t.deleted_at IS NULL
    LEFT JOIN lists l ON n.subject_kind = 1 AND l.id = n.subject_id AND (l.owner_id = $1 OR {is_member("l.id")})
        AND l.deleted_at IS NULL
    LEFT JOIN sections c ON n.subject_kind = 2 AND c.id = n.subject_id AND (c.owner_id = $1 OR {is_member("c.list_id")})
        AND c.deleted_at IS NULL
    LEFT JOIN (comments o JOIN todos ot ON ot.owner_id = o.owner_id AND ot.id = o.todo_id
            AND ot.deleted_at IS NULL)
        ON n.subject_kind = 4 AND o.id = n.subject_id AND o.deleted_at IS NULL
        AND (ot.owner_id = $1 OR {is_member("ot.list_id")})
    LEFT JOIN ({open_invitations_of("$1")}) i ON n.subject_kind = {ChangeKind.MEMBER.value} AND i.id = n.subject_id
WHERE n.owner_id = $1 AND n.id = $2 AND n.read_at IS NULL AND n.archived_at IS NULL
    AND (n.snoozed_until IS NULL OR n.snoozed_until <= now())
"""


def push_message(row: Row) -> PushMessage | None:
    """The message of a row of `SELECT_NOTIFICATION`; None if its subject is gone, or done already."""
    kind, subject_id = NotificationKind(row["kind"]), row["subject_id"]
    subject = row["title"] if row["title"] is not None else row["name"]
    if row["body"]:
        subject = excerpt_of(row["body"])
    if subject_id is not None and subject is None:
        return None
    if kind is NotificationKind.REMINDER and row["status"] not in OPEN_STATUSES:
        return None
    times = f" ({row['event_count']} times)" if row["event_count"] > 1 else ""
    return PushMessage(
        title=TITLES[kind] + times,
        body=subject or event_text(kind, row["source"]) or "",
        url=_url(row["subject_kind"], row["todo_id"] or subject_id),
        tag=str(subject_id or row["id"]),
    )


def _url(subject_kind: int | None, subject_id: UUID | None) -> str:
    """Where the subject is, relative to the page; the page itself where it has none of its own."""
    if subject_kind in (ChangeKind.TODO, ChangeKind.COMMENT):
        return f"?todo={subject_id}"
    return f"?list={subject_id}" if subject_kind == ChangeKind.LIST else "?"
