"""Changing reminders; each field is one transaction."""

from typing import Annotated

import strawberry

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.reminders.types import ReminderPayload
from todo_gql.features.reminders.writes import add_reminder, delete_reminder, update_reminder
from todo_gql.features.todos.reminder_inputs import ReminderInput
from todo_gql.operation.context import Info

ReminderId = Annotated[strawberry.ID, strawberry.argument(description="The reminder's id.")]


@strawberry.type
class ReminderMutation:
    """The mutation fields of reminders."""

    @strawberry.mutation(
        description="Adds a reminder of the viewer's to a todo, which has 10 of one person at most.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def reminder_add(
        self,
        info: Info,
        todo_id: Annotated[strawberry.ID, strawberry.argument(description="The todo's id.")],
        input: Annotated[ReminderInput, strawberry.argument(description="When it fires.")],
    ) -> ReminderPayload | None:
        return await add_reminder(info, todo_id, input)

    @strawberry.mutation(
        description="Replaces when a reminder fires.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def reminder_update(
        self,
        info: Info,
        id: ReminderId,
        input: Annotated[ReminderInput, strawberry.argument(description="When it fires now.")],
    ) -> ReminderPayload | None:
        return await update_reminder(info, id, input)

    @strawberry.mutation(
        description="Deletes a reminder.", metadata=scoped(TokenScope.TODOS_WRITE, lists=True)
    )
    async def reminder_delete(self, info: Info, id: ReminderId) -> AcceptedPayload | None:
        errors = await delete_reminder(info, id)
        return AcceptedPayload(ok=not errors, errors=errors)
