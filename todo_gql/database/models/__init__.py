"""The tables: one foreign-key graph and one migration history.

Indexes that Tortoise can't describe (partial, expression, trigram) and the foreign keys that span
the owner and the id are in the migrations.
"""

from todo_gql.database.models.accounts import Mail, PurgedMail, Session, User
from todo_gql.database.models.base import column_types
from todo_gql.database.models.enums import (
    Action,
    ChangeKind,
    EntityAction,
    InvitationOutcome,
    ListNotifyLevel,
    ListRole,
    MailKind,
    NotificationKind,
    NotificationMailKind,
    Priority,
    ReminderAnchor,
    Status,
)
from todo_gql.database.models.inbox import (
    Inbox,
    Notification,
    NotificationMail,
    NotificationPreferences,
    PushSubscription,
)
from todo_gql.database.models.lists import Invitation, ListMember, SavedView, Section, TodoList
from todo_gql.database.models.log import Change, DataVersion, Feed, Span
from todo_gql.database.models.todos import (
    Comment,
    DueCount,
    ListTag,
    Reminder,
    Snooze,
    Tag,
    Todo,
    TodoTag,
)

__all__ = [
    "Action",
    "Change",
    "ChangeKind",
    "Comment",
    "DataVersion",
    "DueCount",
    "EntityAction",
    "Feed",
    "Inbox",
    "Invitation",
    "InvitationOutcome",
    "ListMember",
    "ListNotifyLevel",
    "ListRole",
    "ListTag",
    "Mail",
    "MailKind",
    "Notification",
    "NotificationKind",
    "NotificationMail",
    "NotificationMailKind",
    "NotificationPreferences",
    "Priority",
    "PurgedMail",
    "PushSubscription",
    "Reminder",
    "ReminderAnchor",
    "SavedView",
    "Section",
    "Session",
    "Snooze",
    "Span",
    "Status",
    "Tag",
    "Todo",
    "TodoList",
    "TodoTag",
    "User",
    "column_types",
]
