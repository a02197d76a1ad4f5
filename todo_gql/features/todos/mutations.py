"""Changing todos and tags; each field is one transaction."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.models import Status
from todo_gql.features.todos.actions import (
    change_todo,
    create_todo,
    delete,
    restore,
    set_values,
)
from todo_gql.features.todos.bulk import BulkOptions, change_todos, read_action
from todo_gql.features.todos.bulk_creation import create_todos
from todo_gql.features.todos.dry_runs import preview
from todo_gql.features.todos.enums import TodoStatus
from todo_gql.features.todos.inputs import (
    BulkErrorPolicy,
    TodoBulkAction,
    TodoCreateInput,
    TodoPlacementInput,
    TodoUpdateInput,
    unset_to_none,
)
from todo_gql.features.todos.move_actions import move_todo, move_todos
from todo_gql.features.todos.payloads import TagPayload, TodoBulkPayload, TodoPayload
from todo_gql.features.todos.recurring import skip
from todo_gql.features.todos.snooze_actions import snooze_todo
from todo_gql.features.todos.subtrees import COMPLETION, DELETION, RESET, RESTORATION, completion_by
from todo_gql.features.todos.tag_delete import delete_tag
from todo_gql.features.todos.tag_rename import rename_tag
from todo_gql.features.todos.validation import read_update
from todo_gql.operation.context import Info

TodoId = Annotated[strawberry.ID, strawberry.argument(description="The todo's id.")]
TodoIds = Annotated[
    list[strawberry.ID], strawberry.argument(description="1 to 100 ids, each once.")
]
ExpectedVersion = Annotated[
    int | None,
    strawberry.argument(description="The version that you saw: CONFLICT if it isn't current."),
]
OnError = Annotated[
    BulkErrorPolicy, strawberry.argument(description="What to do when some of them fail.")
]
DryRun = Annotated[
    bool, strawberry.argument(description="Tell what would happen, and change nothing.")
]

Destination = Annotated[
    TodoPlacementInput, strawberry.argument(description="Where to: what is absent stays as it is.")
]


@strawberry.type
class TodoMutation:
    """The mutation fields of todos and tags."""

    @strawberry.field(
        description="Makes a todo.", metadata=scoped(TokenScope.TODOS_WRITE, lists=True)
    )
    async def todo_create(
        self,
        info: Info,
        input: Annotated[TodoCreateInput, strawberry.argument(description="Its values.")],
    ) -> TodoPayload | None:
        return await create_todo(info, input)

    @strawberry.field(
        description="Changes a todo; an update that changes nothing is no error.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_update(
        self,
        info: Info,
        id: TodoId,
        input: Annotated[TodoUpdateInput, strawberry.argument(description="What to change.")],
        expected_version: ExpectedVersion = UNSET,
        dry_run: DryRun = False,
    ) -> TodoPayload | None:
        edit, problems = read_update(input, "input")
        version = unset_to_none(expected_version)
        return await change_todo(
            *(info, id, set_values(edit, "input")),
            expected_version=version,
            problems=problems,
            spread=completion_by(edit),
            preview=preview if dry_run else None,
        )

    @strawberry.field(
        description="Sets a todo to IN_PROGRESS.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_start(
        self, info: Info, id: TodoId, expected_version: ExpectedVersion = UNSET
    ) -> TodoPayload | None:
        edit = set_values({"status": Status.IN_PROGRESS.value})
        return await change_todo(info, id, edit, expected_version=unset_to_none(expected_version))

    @strawberry.field(
        description="Sets a todo to COMPLETED. One that repeats goes on with its next occurrence, PENDING, "
        "and leaves a COMPLETED copy; after the last occurrence it is COMPLETED itself.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_complete(
        self, info: Info, id: TodoId, expected_version: ExpectedVersion = UNSET
    ) -> TodoPayload | None:
        edit = set_values({"status": Status.COMPLETED.value})
        version = unset_to_none(expected_version)
        return await change_todo(info, id, edit, expected_version=version, spread=COMPLETION)

    @strawberry.field(
        description="Moves a repeating todo to its next occurrence, without counting this one as "
        "completed; its subtasks are to be done again.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_skip(
        self, info: Info, id: TodoId, expected_version: ExpectedVersion = UNSET
    ) -> TodoPayload | None:
        version = unset_to_none(expected_version)
        return await change_todo(info, id, skip, expected_version=version, spread=RESET)

    @strawberry.field(
        description="Puts a todo off, for the viewer alone and until its next occurrence at most: TODAY "
        "leaves it out. It is no change of the todo, so that no log, version or undo has it.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_snooze(
        self,
        info: Info,
        id: TodoId,
        until: Annotated[
            datetime | None,
            strawberry.argument(
                description="Until when; null, or a moment that has passed, shows it again."
            ),
        ] = UNSET,
    ) -> TodoPayload | None:
        return await snooze_todo(info, id, unset_to_none(until))

    @strawberry.field(
        description="Moves a todo into the trash.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_delete(
        self, info: Info, id: TodoId, expected_version: ExpectedVersion = UNSET
    ) -> TodoPayload | None:
        version = unset_to_none(expected_version)
        return await change_todo(info, id, delete, expected_version=version, spread=DELETION)

    @strawberry.field(
        description="Takes a todo out of the trash; elsewhere it stays as it is.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_restore(
        self, info: Info, id: TodoId, expected_version: ExpectedVersion = UNSET
    ) -> TodoPayload | None:
        version = unset_to_none(expected_version)
        return await change_todo(
            *(info, id, restore),
            expected_version=version,
            spread=RESTORATION,
            trash=True,
        )

    @strawberry.field(
        description="Moves a todo with its subtasks; a move that changes nothing is no error.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_move(
        self, info: Info, id: TodoId, to: Destination, expected_version: ExpectedVersion = UNSET
    ) -> TodoPayload | None:
        version = unset_to_none(expected_version)
        return await move_todo(info, id, to, version)

    @strawberry.field(
        description="Moves 1 to 100 todos with their subtasks in one transaction, each right behind the "
        "previous one.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_bulk_move(
        self,
        info: Info,
        ids: TodoIds,
        to: Destination,
        on_error: OnError = BulkErrorPolicy.ABORT_ALL,
        dry_run: DryRun = False,
    ) -> TodoBulkPayload | None:
        options = BulkOptions("ids", on_error, dry_run)
        return await move_todos(info, ids, to, options)

    @strawberry.field(
        description="Makes 1 to 100 todos in one transaction.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_bulk_create(
        self,
        info: Info,
        inputs: Annotated[
            list[TodoCreateInput], strawberry.argument(description="The values of 1 to 100 todos.")
        ],
        on_error: OnError = BulkErrorPolicy.ABORT_ALL,
        dry_run: DryRun = False,
    ) -> TodoBulkPayload | None:
        return await create_todos(info, inputs, BulkOptions("inputs", on_error, dry_run))

    @strawberry.field(
        description="Changes 1 to 100 todos in one transaction.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_bulk_update(
        self,
        info: Info,
        ids: TodoIds,
        action: Annotated[TodoBulkAction, strawberry.argument(description="What to do.")],
        on_error: OnError = BulkErrorPolicy.ABORT_ALL,
        dry_run: DryRun = False,
    ) -> TodoBulkPayload | None:
        edit, problems = await read_action(action)
        # The table of fields declares it.
        status = action.set_status  # type: ignore[attr-defined]
        completes = status and status.value is TodoStatus.COMPLETED
        return await change_todos(
            *(info, ids, edit, BulkOptions("ids", on_error, dry_run)),
            problems=problems,
            spread=COMPLETION if completes else None,
        )

    @strawberry.field(
        description="Moves 1 to 100 todos into the trash in one transaction.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_bulk_delete(
        self,
        info: Info,
        ids: TodoIds,
        on_error: OnError = BulkErrorPolicy.ABORT_ALL,
        dry_run: DryRun = False,
    ) -> TodoBulkPayload | None:
        options = BulkOptions("ids", on_error, dry_run)
        return await change_todos(info, ids, delete, options, spread=DELETION)

    @strawberry.field(
        description="Takes 1 to 100 todos out of the trash in one transaction.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def todo_bulk_restore(
        self,
        info: Info,
        ids: TodoIds,
        on_error: OnError = BulkErrorPolicy.ABORT_ALL,
        dry_run: DryRun = False,
    ) -> TodoBulkPayload | None:
        options = BulkOptions("ids", on_error, dry_run)
        return await change_todos(info, ids, restore, options, spread=RESTORATION, trash=True)

    @strawberry.field(
        description="Renames a tag on every todo that carries it; an existing name merges the two.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def tag_rename(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The tag's id.")],
        name: Annotated[str, strawberry.argument(description="Its new name: 1 to 50 characters.")],
    ) -> TagPayload | None:
        return await rename_tag(info.context, id, name)

    @strawberry.field(
        description="Takes a tag from every todo that carries it, those in the trash too; `tag` "
        "shows it as it was.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def tag_delete(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The tag's id.")],
    ) -> TagPayload | None:
        return await delete_tag(info.context, id)
