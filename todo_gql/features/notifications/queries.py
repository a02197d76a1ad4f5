"""Reading the viewer's inbox, and how they want to be notified."""

from typing import Annotated, Final

import strawberry
from strawberry import UNSET

from todo_gql.api.connections import PageArguments, fetch_page
from todo_gql.api.keyset import Keyset, SortKey, parse_time, parse_uuid
from todo_gql.api.page_arguments import After, FirstOrDefault
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.select import SelectQuery
from todo_gql.features.notifications.inputs import NotificationFilter
from todo_gql.features.notifications.preference_types import (
    NotificationPreferences,
    stored_preferences,
)
from todo_gql.features.notifications.types import NOTIFICATIONS, NotificationConnection
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.inbox.access import NOTIFICATION_COLUMNS, is_snoozed, visible_notifications
from todo_gql.operation.context import Context, Info

NEWEST_FIRST: Final = Keyset(
    SortKey("created", "n.created_at", "created_at", parse_time, descending=True),
    SortKey("id", "n.id", "id", parse_uuid, descending=True),
    scope="notifications",
)


def _selected(context: Context, sent: NotificationFilter | None) -> SelectQuery:
    """The viewer's notifications that a filter matches; raises `Unauthenticated`."""
    statement = visible_notifications(context.signed_in())
    chosen = sent or NotificationFilter()
    is_archived = unset_to_none(chosen.is_archived)
    shows_snoozed = unset_to_none(chosen.is_snoozed)
    statement.where(f"n.archived_at IS {'NOT ' if is_archived else ''}NULL")
    if shows_snoozed or not is_archived:
        condition = is_snoozed(statement.bind(context.now))
        statement.where(f"{'' if shows_snoozed else 'NOT '}({condition})")
    if (kinds := unset_to_none(chosen.kind)) is not None:
        numbers = [kind.value for kind in kinds]
        statement.where(f"n.kind = ANY({statement.bind(numbers)}::smallint[])")
    if (is_read := unset_to_none(chosen.is_read)) is not None:
        statement.where(f"n.read_at IS {'NOT ' if is_read else ''}NULL")
    return statement


@strawberry.type
class NotificationQuery:
    """The query fields of notifications."""

    @strawberry.field(
        description="The viewer's inbox, newest first.", metadata=scoped(TokenScope.PROFILE_READ)
    )
    async def notifications(
        self,
        info: Info,
        filter: Annotated[
            NotificationFilter | None, strawberry.argument(description="Which of them.")
        ] = UNSET,
        first: FirstOrDefault = UNSET,
        after: After = UNSET,
    ) -> NotificationConnection:
        statement = _selected(info.context, unset_to_none(filter))
        arguments = PageArguments.of(first, after)
        page = await fetch_page(statement, NOTIFICATION_COLUMNS, NEWEST_FIRST, arguments)
        return NotificationConnection(page=page, nodes=NOTIFICATIONS.objects(page.rows))

    @strawberry.field(
        description="How the viewer is notified.", metadata=scoped(TokenScope.PROFILE_READ)
    )
    async def notification_preferences(self, info: Info) -> NotificationPreferences:
        return await stored_preferences(info.context)
