"""The schema: the features put together."""

from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from todo_gql.api.errors import (
    AuthError,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    ValidationError,
)
from todo_gql.api.scalars import SCALARS
from todo_gql.features.accounts.deletion import DeletionMutation
from todo_gql.features.accounts.directory import DirectoryMutation, DirectoryQuery
from todo_gql.features.accounts.email.address_change import EmailChangeMutation
from todo_gql.features.accounts.email.password_reset import RecoveryMutation
from todo_gql.features.accounts.email.verification import VerificationMutation
from todo_gql.features.accounts.mutations import AccountMutation
from todo_gql.features.accounts.profile import ProfileMutation
from todo_gql.features.accounts.queries import AccountQuery
from todo_gql.features.accounts.sessions import SessionMutation, SessionQuery
from todo_gql.features.api_tokens.fields import ApiTokenMutation, ApiTokenQuery
from todo_gql.features.attachments.mutations import AttachmentMutation
from todo_gql.features.calendar_feeds.fields import CalendarFeedMutation, CalendarFeedQuery
from todo_gql.features.changes.queries import ChangeQuery
from todo_gql.features.changes.subscription import ChangeSubscription
from todo_gql.features.comments.mutations import CommentMutation
from todo_gql.features.facets.queries import FacetQuery
from todo_gql.features.lists.mutations import ListMutation
from todo_gql.features.lists.queries import ListQuery
from todo_gql.features.members.queries import InvitationQuery
from todo_gql.features.nodes.queries import NodeQuery
from todo_gql.features.notifications.mutations import NotificationMutation
from todo_gql.features.notifications.queries import NotificationQuery
from todo_gql.features.notifications.subscription import NotificationSubscription
from todo_gql.features.push.fields import PushMutation, PushQuery
from todo_gql.features.reminders.mutations import ReminderMutation
from todo_gql.features.sharing.mutations import SharingMutation
from todo_gql.features.todos.mutations import TodoMutation
from todo_gql.features.todos.queries import TodoQuery
from todo_gql.features.transfers.exports.fields import ExportMutation
from todo_gql.features.transfers.import_types import ImportJob
from todo_gql.features.transfers.mutations import TransferMutation
from todo_gql.features.transfers.queries import TransferQuery
from todo_gql.features.transfers.subscription import TransferSubscription
from todo_gql.features.undo.mutations import UndoMutation
from todo_gql.features.views.mutations import ViewMutation
from todo_gql.features.views.queries import ViewQuery
from todo_gql.features.webhooks.fields import WebhookMutation, WebhookQuery


@strawberry.type(description="What can be read.")
class Query(
    NodeQuery,
    AccountQuery,
    SessionQuery,
    DirectoryQuery,
    TodoQuery,
    ListQuery,
    InvitationQuery,
    ChangeQuery,
    ViewQuery,
    PushQuery,
    ApiTokenQuery,
    WebhookQuery,
    FacetQuery,
    NotificationQuery,
    CalendarFeedQuery,
    TransferQuery,
):
    """All query fields."""


@strawberry.type(description="What can be changed; each field is one transaction.")
class Mutation(
    TodoMutation,
    UndoMutation,
    ReminderMutation,
    CommentMutation,
    AttachmentMutation,
    ViewMutation,
    ListMutation,
    SharingMutation,
    NotificationMutation,
    AccountMutation,
    SessionMutation,
    PushMutation,
    ApiTokenMutation,
    WebhookMutation,
    ProfileMutation,
    VerificationMutation,
    EmailChangeMutation,
    RecoveryMutation,
    DeletionMutation,
    DirectoryMutation,
    CalendarFeedMutation,
    TransferMutation,
    ExportMutation,
):
    """All mutation fields."""


@strawberry.type(description="What can be followed, over a WebSocket or an event stream.")
class Subscription(ChangeSubscription, NotificationSubscription, TransferSubscription):
    """All subscription fields."""


SCHEMA = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[ImportJob, ValidationError, NotFoundError, NotAllowedError, ConflictError, AuthError],
    config=StrawberryConfig(scalar_map=SCALARS),
)


def _executable() -> GraphQLSchema:
    core: Any = SCHEMA._schema
    assert isinstance(core, GraphQLSchema)
    for type_ in core.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = type_.extensions.get("strawberry-definition")
            # Strawberry has a rule of its own for these, for a view of its own, and doesn't tell
            # graphql-core, whose validation then takes several fields, null and nullable variables.
            type_.is_one_of = bool(definition and definition.is_one_of)
    return core


EXECUTABLE = _executable()


def graphql_schema() -> GraphQLSchema:
    """The schema as graphql-core validates and executes it."""
    return EXECUTABLE


ONE_OF_MEANS = '"""Exactly one field is given, and it isn\'t null."""\n'


def schema_text() -> str:
    """The schema in GraphQL's schema definition language, as kept in schema.graphql."""
    text = SCHEMA.as_str().rstrip() + "\n"
    # Defined for tools that don't know it yet; the library gives it no description.
    return text.replace("directive @oneOf", f"{ONE_OF_MEANS}directive @oneOf", 1)
