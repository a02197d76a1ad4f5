"""The notifications that somebody may see: those in their own inbox."""

from typing import Final
from uuid import UUID

from todo_gql.database.models import Notification, NotificationKind
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

NOTIFICATION_COLUMNS: Final = columns(Notification, "n", without=frozenset({"email_at", "push_at"}))

IS_KNOWN: Final = f"n.kind <= {max(NotificationKind).value}"
"""SQL for whether this release knows the kind of a notification `n`; a newer one may write others."""

IS_UNREAD: Final = "n.read_at IS NULL AND n.archived_at IS NULL"
"""SQL for whether a notification `n` counts as unread, whether or not it is snoozed."""


def notifications_of(owner_id: UUID) -> SelectQuery:
    """The notifications `n` in somebody's inbox; for callers that have checked access."""
    return owned("notifications n", "n", owner_id).where(IS_KNOWN)


def visible_notifications(viewer: Viewer) -> SelectQuery:
    """The notifications `n` in the viewer's inbox, archived and snoozed ones too."""
    return notifications_of(viewer.id)


def is_snoozed(now: str) -> str:
    """SQL for whether a notification `n` is hidden at the moment of a placeholder."""
    return f"n.snoozed_until IS NOT NULL AND n.snoozed_until > {now}"
