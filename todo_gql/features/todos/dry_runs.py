"""What a dry run shows of todos beside their own fields: read before the transaction is rolled back."""

from collections.abc import Sequence
from typing import Any

from todo_gql.features.todos.actions import todo_row
from todo_gql.features.todos.loaders import (
    TAGS_OF_TODOS,
    tags_by_todo,
    tags_by_todo_id,
    todos_by_id,
)
from todo_gql.features.todos.reminders import reminders_by_todo_id, stored_reminders
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.operation.context import Info


async def preview(info: Info, write: OwnerWrite, todos: Sequence[TodoState]) -> None:
    """Make a write a dry run: what it shows is read, and it is rolled back when its block ends."""
    await prime_loaders(info, write, todos)
    write.discard()


async def prime_loaders(info: Info, write: OwnerWrite, todos: Sequence[TodoState]) -> None:
    """Prime the loaders with tags, and with reminders if the write has moved or added any."""
    context, ids = info.context, [todo.id for todo in todos]
    if untagged := [id for id in dict.fromkeys(ids) if id not in write.created_tags]:
        tag_rows = await write.connection.fetch(TAGS_OF_TODOS, write.owner_id, untagged)
        tags = tags_by_todo(tag_rows, untagged)
        context.loader(tags_by_todo_id).prime_many(dict(zip(untagged, tags, strict=True)))
    if write.has_moved_reminders:
        reminders = await stored_reminders(write, ids)
        context.loader(reminders_by_todo_id).prime_many(dict(zip(ids, reminders, strict=True)))
        # They lead back to their todos, of which some may be gone then.
        rows: dict[Any, Any] = {todo.id: todo_row(write.stored(todo), info) for todo in todos}
        context.loader(todos_by_id).prime_many(rows)
