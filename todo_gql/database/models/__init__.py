"""The tables: one foreign-key graph and one migration history.

Indexes that Tortoise can't describe (partial, expression, trigram) and the foreign keys that span
the owner and the id are in the migrations.
"""

from todo_gql.database.models.accounts import Mail, PurgedMail, Session, User
from todo_gql.database.models.base import column_types
from todo_gql.database.models.enums import (
    Action,
    AttachmentState,
    ChangeKind,
    DeliveryState,
    EntityAction,
    InvitationOutcome,
    JobState,
    ListNotifyLevel,
    ListRole,
    MailKind,
    NotificationKind,
    NotificationMailKind,
    Priority,
    ReminderAnchor,
    Status,
    TransferFormat,
    TransferKind,
    WebhookState,
)
from todo_gql.database.models.files import (
    Attachment,
    DiscardedFile,
    FileUsage,
    ImportedItem,
    ImportProblem,
    TransferJob,
)
from todo_gql.database.models.inbox import (
    Inbox,
    Notification,
    NotificationMail,
    NotificationPreferences,
    PushSubscription,
)
from todo_gql.database.models.integrations import (
    ApiToken,
    CalendarFeed,
    Webhook,
    WebhookDelivery,
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
    "ApiToken",
    "Attachment",
    "AttachmentState",
    "CalendarFeed",
    "Change",
    "ChangeKind",
    "Comment",
    "DataVersion",
    "DeliveryState",
    "DiscardedFile",
    "DueCount",
    "EntityAction",
    "Feed",
    "FileUsage",
    "ImportProblem",
    "ImportedItem",
    "Inbox",
    "Invitation",
    "InvitationOutcome",
    "JobState",
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
    "TransferFormat",
    "TransferJob",
    "TransferKind",
    "User",
    "Webhook",
    "WebhookDelivery",
    "WebhookState",
    "column_types",
]
