"""Changing saved views; each field is one transaction."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.views.inputs import SavedViewInput
from todo_gql.features.views.types import SavedViewPayload
from todo_gql.features.views.writes import create_view, delete_view, update_view
from todo_gql.operation.context import Info

ViewId = Annotated[strawberry.ID, strawberry.argument(description="The view's id.")]


@strawberry.type
class ViewMutation:
    """The mutation fields of saved views."""

    @strawberry.field(
        description="Saves a view; an account has 150 at most.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def saved_view_create(
        self,
        info: Info,
        input: Annotated[SavedViewInput, strawberry.argument(description="Its values.")],
    ) -> SavedViewPayload | None:
        return await create_view(info.context, input)

    @strawberry.field(
        description="Replaces a view's name and filter, and what else is given; one that changes nothing "
        "is no error.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def saved_view_update(
        self,
        info: Info,
        id: ViewId,
        input: Annotated[SavedViewInput, strawberry.argument(description="Its new values.")],
        expected_version: Annotated[
            int | None,
            strawberry.argument(
                description="The version that you saw: CONFLICT if it isn't current."
            ),
        ] = UNSET,
    ) -> SavedViewPayload | None:
        return await update_view(info.context, id, input, unset_to_none(expected_version))

    @strawberry.field(
        description="Deletes a view for ever; its todos stay.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def saved_view_delete(self, info: Info, id: ViewId) -> AcceptedPayload | None:
        errors = await delete_view(info.context, id)
        return AcceptedPayload(ok=not errors, errors=errors)
