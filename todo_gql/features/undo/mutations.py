"""Undo, as a field of mutations."""

from typing import Annotated

import strawberry

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.todos.payloads import TodoBulkPayload, TodoPayload
from todo_gql.features.undo.actions import undo
from todo_gql.features.undo.occurrence_actions import undo_occurrence
from todo_gql.operation.context import Info


@strawberry.type
class UndoMutation:
    """The mutation fields that take back others."""

    @strawberry.field(
        description="Undoes what one mutation changed, as far as nothing changed since; is undone "
        "by the same. `results` has an entry for each todo that the mutation changed, in the order "
        "of its changes: CONFLICT for one that has changed since, which stays as it is.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def todo_undo(
        self,
        info: Info,
        cursor: Annotated[
            str,
            strawberry.argument(
                description="That of any change which the mutation made: its `undoCursor`, or the "
                "`cursor` of a Change."
            ),
        ],
        dry_run: Annotated[
            bool, strawberry.argument(description="Tell what would happen, and change nothing.")
        ] = False,
    ) -> TodoBulkPayload | None:
        return await undo(info, cursor, dry_run=dry_run)

    @strawberry.field(
        description="Takes back the completion of an occurrence of a repeating todo: it is due again as it "
        "was, and the copy goes to the trash. CONFLICT if its due date or its recurrence has changed since.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def todo_undo_occurrence(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID,
            strawberry.argument(description="The id of the copy: `completedOccurrence`."),
        ],
    ) -> TodoPayload | None:
        return await undo_occurrence(info, id)
