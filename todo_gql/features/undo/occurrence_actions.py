"""Takes back the completion of one occurrence of a repeating todo, under the owner's lock."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import ConflictError, ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.changelog.cursors import LogPosition
from todo_gql.database.connection import Row
from todo_gql.database.models import ChangeKind
from todo_gql.database.retry import retried
from todo_gql.features.todos.actions import charge_further, delete, to_todo
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.owners import owner_of_todo
from todo_gql.features.todos.payloads import TodoPayload
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.subtrees import DELETION, RESET, Subtrees, load_subtrees
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.features.undo.mutation_log import TooManyChanges, read_mutation
from todo_gql.features.undo.reversal import TodoReversal
from todo_gql.operation.context import Info

SERIES: Final = """
SELECT series_id FROM todos WHERE owner_id = $1 AND id = $2 AND deleted_at IS NULL
"""
# The log has the copy from the mutation on that completed its occurrence.
CREATED: Final = """
SELECT seq, id FROM changes WHERE owner_id = $1 AND todo_id = $2 ORDER BY seq LIMIT 1
"""
# What completing an occurrence sets, and what follows from that.
DUE: Final = ("due_at", "due_date", "recurrence")


class Series(NamedTuple):
    """A completed occurrence with its subtasks, and its repeating todo with its own."""

    copy: TodoState
    todo: TodoState
    copies: Subtrees
    todos: Subtrees


@retried
async def undo_occurrence(info: Info, id: str) -> TodoPayload:
    """Move a repeating todo back to a completed occurrence, whose copy goes to the trash.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    copy_id, viewer = parse_id(id), info.context.signed_in()
    owner_id = await owner_of_todo(viewer, copy_id)
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        series = await _load(info, write, copy_id) if copy_id else not_found("id")
        if not isinstance(series, Series):
            return TodoPayload(errors=[series])
        changes = await _changes(write, series.copy.id)
        reversal = TodoReversal.of(changes[series.todo.id]) if series.todo.id in changes else None
        if reversal is None or not _is_due_since(series.todo, reversal):
            message = "The todo's due date or recurrence has changed since."
            return TodoPayload(errors=[_conflict(info, series.todo, message)])
        entries = _entries(write, series, changes)
        for entry in entries:
            if problem := write.storage.reserve(entry, Quota.of(info.context.settings)):
                return TodoPayload(errors=[invalid(*problem, "id")])
        [todo, *_] = [write.change(entry.before, entry.after) for entry in entries if entry.before]
        await write.store()
    charge_further(info, [write], 1)
    info.context.clear_loaders()
    return TodoPayload(todo=to_todo(write.stored(todo), info), first_change=write.first_change)


async def _load(info: Info, write: OwnerWrite, copy_id: UUID) -> Series | UserError:
    copies = await load_subtrees(write, [copy_id], DELETION)
    copy = copies.states.get(copy_id)
    if copy is None:
        return not_found("id")
    if refusal := write.refusal(copy.list_id, "id"):
        return refusal
    series_id = await write.connection.fetchval(SERIES, write.owner_id, copy_id)
    if series_id is None:
        message = "The todo is no completed occurrence of a repeating one."
        return invalid(ErrorCode.INVALID, message, "id")
    # It may be another owner's by now, who hasn't its occurrences.
    todos = await load_subtrees(write, list(await write.load([series_id])), RESET)
    todo = todos.states.get(series_id)
    if todo is None:
        return _conflict(info, copy, "The repeating todo isn't there any more.")
    if refusal := write.refusal(todo.list_id, "id"):
        return refusal
    return Series(copy, todo, copies, todos)


def _conflict(info: Info, todo: TodoState, message: str) -> UserError:
    return ConflictError(
        code=ErrorCode.CONFLICT, message=message, path=["id"], current=to_todo(todo, info)
    )


async def _changes(write: OwnerWrite, copy_id: UUID) -> Mapping[UUID, Sequence[Row]]:
    """What the mutation changed that created a copy, by todo; nothing if the log hasn't all of it any more."""
    row = await write.connection.fetchrow(CREATED, write.owner_id, copy_id)
    by_todo = dict[UUID, list[Row]]()
    if row is None:
        return by_todo
    position = LogPosition.of(row["seq"], row["id"])
    try:
        changes = await read_mutation(write.connection, write.owner_id, position)
    except TooManyChanges:
        return by_todo
    for change in changes or ():
        if change["kind"] == ChangeKind.TODO:
            by_todo.setdefault(change["todo_id"], []).append(change)
    return by_todo


def _is_due_since(todo: TodoState, reversal: TodoReversal) -> bool:
    """Whether a todo is due as a completion left it, and repeats in the same way."""
    return all(
        getattr(todo, name) == reversal.fields[name].after
        for name in DUE
        if name in reversal.fields
    )


def _entries(
    write: OwnerWrite, series: Series, changes: Mapping[UUID, Sequence[Row]]
) -> list[Entry]:
    """What is to be written: the todo, its subtasks as far as they are as they were left, and the copy."""
    reopened = [series.todo, *series.todos.below(series.todo.id)]
    entries = [
        Entry(todo, _reversed(todo, TodoReversal.of(changes[todo.id])))
        for todo in reopened
        if todo.id in changes
    ]
    copies = [series.copy, *series.copies.below(series.copy.id)]
    return entries + [Entry(todo, delete(todo, write.clock)) for todo in copies]


def _reversed(todo: TodoState, reversal: TodoReversal) -> TodoState:
    """A todo without what a mutation did to it, where it has the values still that this left."""
    return todo._replace(
        **{
            name: field.before
            for name, field in reversal.fields.items()
            if getattr(todo, name) == field.after
        }
    )
