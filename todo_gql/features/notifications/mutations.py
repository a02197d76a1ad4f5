"""Changing the viewer's inbox, and how they are notified; each field is one transaction."""

from typing import Annotated

import orjson
import strawberry

from todo_gql.api.errors import Unauthenticated
from todo_gql.api.token_scopes import scoped
from todo_gql.database.connection import transaction
from todo_gql.database.retry import retried
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.notifications.inputs import NotificationAction
from todo_gql.features.notifications.preference_inputs import (
    NotificationPreferencesInput,
    read_preferences,
)
from todo_gql.features.notifications.preference_types import (
    NotificationPreferences,
    NotificationPreferencesPayload,
)
from todo_gql.features.notifications.writes import edit_of, read_all, update_entries
from todo_gql.inbox.preference_writes import locked_preferences, store_preferences
from todo_gql.operation.context import Info


@retried
async def _update_preferences(
    info: Info, sent: NotificationPreferencesInput
) -> NotificationPreferencesPayload:
    async with transaction() as connection:
        row = await locked_preferences(connection, info.context.signed_in().id)
        if row is None:
            raise Unauthenticated
        values, problems = read_preferences(sent, orjson.loads(row["kinds"]))
        if problems:
            return NotificationPreferencesPayload(errors=problems)
        stored = await store_preferences(connection, row, values)
    return NotificationPreferencesPayload(preferences=NotificationPreferences.of(stored))


@strawberry.type
class NotificationMutation:
    """The mutation fields of notifications."""

    @strawberry.field(
        description="Marks notifications as read or unread, snoozes or archives them: all of them, or "
        "none if there is an error. One that is so already is no error.",
        metadata=scoped(None),
    )
    async def notifications_update(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], strawberry.argument(description="1 to 100 ids, each once.")
        ],
        action: Annotated[NotificationAction, strawberry.argument(description="What to do.")],
    ) -> AcceptedPayload | None:
        context = info.context
        viewer = context.signed_in()
        errors = await update_entries(viewer.id, ids, edit_of(action, context.now))
        context.clear_loaders()
        return AcceptedPayload(ok=not errors, errors=errors)

    @strawberry.field(
        description="Marks a notification and all that are older as read, but for what is snoozed.",
        metadata=scoped(None),
    )
    async def notifications_read_all(
        self,
        info: Info,
        up_to_id: Annotated[
            strawberry.ID,
            strawberry.argument(
                description="The newest that the viewer has seen, archived or not."
            ),
        ],
    ) -> AcceptedPayload | None:
        context = info.context
        errors = await read_all(context.signed_in().id, up_to_id, context.now)
        context.clear_loaders()
        return AcceptedPayload(ok=not errors, errors=errors)

    @strawberry.field(
        description="Changes how the viewer is notified from now on.", metadata=scoped(None)
    )
    async def notification_preferences_update(
        self,
        info: Info,
        input: Annotated[
            NotificationPreferencesInput, strawberry.argument(description="What to change.")
        ],
    ) -> NotificationPreferencesPayload | None:
        return await _update_preferences(info, input)
