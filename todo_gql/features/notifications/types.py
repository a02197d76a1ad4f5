"""Notifications as the schema shows them."""

from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import strawberry

from todo_gql.api.connections import Connection
from todo_gql.api.node import Node
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Values
from todo_gql.database.models import ChangeKind
from todo_gql.execution import ConvertedColumn, RowType, loaded_field
from todo_gql.features.accounts.types import User, user_or_none
from todo_gql.features.members.types import Invitation
from todo_gql.features.notifications.enums import KINDS, NotificationKind
from todo_gql.features.notifications.loaders import (
    Subject,
    SubjectKey,
    actors_by_id,
    subjects_by_key,
)
from todo_gql.features.notifications.unread import unread_count
from todo_gql.features.todos.list_access import NOTHING, key_of
from todo_gql.features.todos.types import Comment, Section, Todo, TodoList
from todo_gql.inbox.event_texts import event_text
from todo_gql.operation.context import Context, Info, loader_of

TYPES: Final[Mapping[ChangeKind, Any]] = {
    ChangeKind.LIST: TodoList,
    ChangeKind.SECTION: Section,
    ChangeKind.MEMBER: Invitation,
    ChangeKind.COMMENT: Comment,
}


def _subject(subject: Subject | None, context: Context) -> Node | None:
    if subject is None:
        return None
    if subject.kind is ChangeKind.TODO:
        return Todo.from_row(subject.row, context.now)
    node: Node = TYPES[subject.kind].from_row(subject.row)
    return node


def _subject_key(row: Values) -> SubjectKey:
    return SubjectKey(row["subject_kind"], row["subject_id"] or NOTHING)


@strawberry.type(description="An entry in the viewer's inbox.")
class Notification(Node):
    """A row of notifications; its words are read from what it is about."""

    kind: NotificationKind = strawberry.field(description="Why they are notified.")
    count: int = strawberry.field(
        description="How often it happened: the same again within five minutes is counted here, while "
        "the notification is unread."
    )
    created_at: datetime = strawberry.field(description="When it happened first.")
    read_at: datetime | None = strawberry.field(
        description="When it was read; null if it is unread."
    )
    snoozed_until: datetime | None = strawberry.field(
        description="Until when it is hidden, if that lies ahead."
    )
    archived_at: datetime | None = strawberry.field(
        description="When it was archived; null if it wasn't."
    )
    subject_key: strawberry.Private[SubjectKey]
    actor_key: strawberry.Private[UUID]
    event_text: strawberry.Private[str | None]
    seq: strawberry.Private[int]

    actor: User | None = loaded_field(
        loader_of(actors_by_id),
        by="actor_key",
        make=user_or_none,
        description="Who did it, the last one if it happened several times; null for the server, and "
        "for an account that the viewer can't see.",
    )
    subject: Node | None = loaded_field(
        loader_of(subjects_by_key),
        by="subject_key",
        make=_subject,
        description="What it is about, as it is now; null once the viewer can't see it, such as in the "
        "trash.",
        metadata=scoped(TokenScope.TODOS_READ),
    )

    @strawberry.field(
        description="What it is about in words, as they are now: the title of a todo, the beginning "
        "of a comment, or the name of something else; null where `subject` is, but for SECURITY.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def excerpt(self, info: Info) -> str | None:
        if self.event_text or self.subject_key.kind is None:
            return self.event_text
        subject = await info.context.loader(subjects_by_key).load(self.subject_key)
        return subject.title if subject else None

    @property
    def share_key(self) -> Hashable:
        """Equal for events with the same response: subscriptions share it."""
        return "notifications", self.id, self.seq

    @classmethod
    def from_row(cls, row: Values) -> "Notification":
        """The notification in a row."""
        return NOTIFICATIONS.lazy(row)


NOTIFICATIONS: Final = RowType(
    Notification,
    id=ConvertedColumn("id", str),
    kind=ConvertedColumn("kind", KINDS.__getitem__),
    count="event_count",
    created_at="created_at",
    read_at="read_at",
    snoozed_until="snoozed_until",
    archived_at="archived_at",
    subject_key=_subject_key,
    actor_key=ConvertedColumn("actor_id", key_of),
    event_text=lambda row: event_text(row["kind"], row["source"]),
    seq="seq",
)


@strawberry.type(name="NotificationConnection", description="A page of the viewer's inbox.")
class NotificationConnection(Connection[Notification]):
    """Notifications, newest first."""

    def _unread_count(self, info: Info) -> Any:
        return unread_count(info.context)

    unread_count: int = strawberry.field(
        resolver=_unread_count,
        graphql_type=int,
        description="How many of all notifications are neither read nor archived nor snoozed, whatever "
        "the filter and the page.",
    )
