"""Takes back what one mutation did to an owner's todos, under the owner's lock."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import strawberry

from todo_gql.api.errors import ErrorCode, NotAllowedError, UserError, invalid, not_found
from todo_gql.changelog.cursors import LogPosition
from todo_gql.database.connection import Row
from todo_gql.database.models import Action, ChangeKind
from todo_gql.database.retry import retried
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.actions import to_todo
from todo_gql.features.todos.assignees import Assignees
from todo_gql.features.todos.dry_runs import preview
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.payloads import TodoBulkPayload, TodoBulkResult
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.tag_names import MAX_TAGS
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.features.undo.entities import undo_entities
from todo_gql.features.undo.items import PATH, Item
from todo_gql.features.undo.mutation_log import (
    BATCH_SIZE,
    MAX_CHANGES,
    TooManyChanges,
    check_todo_size,
    logged_at,
    read_mutation,
)
from todo_gql.features.undo.positions import find_positions
from todo_gql.features.undo.reversal import TodoReversal
from todo_gql.features.undo.selection import MANY, selects_too_much
from todo_gql.features.undo.structure import check_structure
from todo_gql.operation.context import Info
from todo_gql.security.sliding_window import COST

SUBTASKS = """
SELECT id, subtask_count, completed_subtask_count FROM todos
WHERE owner_id = $1 AND id = ANY($2::uuid[])
"""


UNDOABLE = (ChangeKind.TODO, ChangeKind.LIST, ChangeKind.SECTION)


class LoggedChanges(NamedTuple):
    """The changes of a mutation, and those of each todo, in the order of the log."""

    changes: Sequence[Row]
    by_todo: dict[UUID, list[Row]]


@retried
async def undo(info: Info, cursor: str, *, dry_run: bool = False) -> TodoBulkPayload:
    """Take back the mutation that made the change at a cursor, as far as nothing changed since.

    In lists of others the viewer takes back what they did themselves, as far as their role allows it now. The
    viewer is the actor, and is charged for it; a dry run is rolled back. `Unauthenticated` if nobody is signed in.
    """
    viewer = info.context.signed_in()
    logged = await logged_at(viewer, cursor)
    if logged is None:
        return TodoBulkPayload(errors=[not_found(PATH)])
    owner_id, position = logged
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        mutation = await _read(info, write, position)
        if not isinstance(mutation, LoggedChanges):
            return TodoBulkPayload(errors=[mutation])
        by_todo = mutation.by_todo
        if error := await undo_entities(write, mutation.changes, list(by_todo)):
            write.discard()
            return TodoBulkPayload(errors=[error])
        items = await _plan(info, write, by_todo)
        await _clear_assignees(write, items)
        await _reserve(info, write, items)
        await check_structure(
            write.connection, owner_id, items, lambda item, message: item.conflict(info, message)
        )
        await find_positions(write.connection, owner_id, items)
        updated = await _store(write, items)
        info.context.clear_loaders()
        if dry_run:
            await preview(info, write, [item.planned for item in items if item.planned])
    info.context.limits.charge(viewer.caller, COST, len(items))
    payload = await _payload(info, items, updated)
    payload.first_change = None if write.discarded else write.first_change
    return payload


async def _read(info: Info, write: OwnerWrite, position: LogPosition) -> LoggedChanges | UserError:
    """The changes of the mutation; or why they can't be taken back."""
    try:
        changes = await read_mutation(write.connection, write.owner_id, position)
        if changes is None or not any(write.sees(change["list_id"]) for change in changes):
            return not_found(PATH)
        if error := _not_undoable(write, changes):
            return error
        by_todo = defaultdict[UUID, list[Row]](list)
        for change in changes:
            if change["kind"] == ChangeKind.TODO:
                by_todo[change["todo_id"]].append(change)
        if selects_too_much(info, len(by_todo)):
            return _selects_too_much(len(by_todo))
        if len(by_todo) > MANY:
            await check_todo_size(write.connection, write.owner_id, by_todo)
    except TooManyChanges:
        return _too_many()
    return LoggedChanges(changes, by_todo)


def _not_undoable(write: OwnerWrite, changes: Sequence[Row]) -> UserError | None:
    """The error for a mutation that isn't the actor's own, or of which nothing can be taken back."""
    if write.roles is not None and changes[0]["actor_id"] != write.actor_id:
        message = "In a list of somebody else you can undo what you did yourself."
        return NotAllowedError(code=ErrorCode.NOT_ALLOWED, message=message, path=[PATH])
    if all(change["kind"] in UNDOABLE for change in changes):
        return None
    return invalid(ErrorCode.INVALID, "Changes of members and of comments can't be undone.", PATH)


def _too_many() -> UserError:
    return invalid(
        ErrorCode.TOO_MANY,
        f"At most {MAX_CHANGES:,} changes can be undone at once; this mutation made more, or very"
        " long ones.",
        PATH,
    )


def _selects_too_much(number: int) -> UserError:
    return invalid(
        ErrorCode.TOO_MANY,
        f"The mutation changed {number:,} todos. Select nothing of the results but the todos' own"
        f" fields and tags to undo more than {MANY}.",
        PATH,
    )


async def _plan(info: Info, write: OwnerWrite, by_todo: Mapping[UUID, Sequence[Row]]) -> list[Item]:
    """The todos that a mutation changed, each as it is to be without that change."""
    ids, items, time_slice = list(by_todo), list[Item](), TimeSlice()
    for start in range(0, len(ids), BATCH_SIZE):
        batch = ids[start : start + BATCH_SIZE]
        stored = await write.load(batch, trash=True)
        for todo_id in batch:
            await time_slice.checkpoint()
            items.append(_item(info, write, todo_id, stored.get(todo_id), by_todo[todo_id]))
    return items


def _item(
    info: Info, write: OwnerWrite, id: UUID, stored: TodoState | None, changes: Sequence[Row]
) -> Item:
    item = Item(id, stored, stored)
    if stored is None:
        item.refuse(not_found(PATH))
        return item
    if refusal := write.refusal(stored.list_id, PATH):
        item.refuse(refusal)
        return item
    reversal = TodoReversal.of(changes)
    # A new todo takes its files along into the trash.
    if reversal.changes_files and not reversal.is_created:
        item.conflict(info, "What it did to the todo's files can't be undone.")
        return item
    if changed := reversal.changed_since(stored):
        item.conflict(info, f"It has changed since: {', '.join(changed)}.")
        return item
    item.planned = planned = reversal.reversed(stored, write.now)
    if message := _missing_list(write, stored, planned, changes):
        item.conflict(info, message)
    elif refusal := write.refusal(planned.list_id, PATH):
        item.refuse(refusal)
    elif len(planned.tags) > max(MAX_TAGS, len(stored.tags)):
        message = f"It would have {len(planned.tags)} tags; at most {MAX_TAGS} are allowed."
        item.exceed((ErrorCode.TOO_MANY, message))
    return item


async def _clear_assignees(write: OwnerWrite, items: Sequence[Item]) -> None:
    """Leave todos without the assignees that they would get back, but can't have any more."""
    planned = [item for item in items if item.planned and item.planned != item.stored]
    assignees = await Assignees.load(write, [item.planned for item in planned if item.planned])
    for item in planned:
        item.planned = item.planned and assignees.cleared(item.planned)


def _missing_list(
    write: OwnerWrite, stored: TodoState, planned: TodoState, changes: Sequence[Row]
) -> str | None:
    """Why a todo can't be in the list where it was, if that isn't one that the actor sees of this owner's."""
    if not write.sees(planned.list_id):
        return "The list that it was in isn't there any more."
    is_new = (change["action"] == Action.CREATED for change in changes)
    if any(is_new) and changes[0]["at"] != stored.created_at:
        return "It came from a list of somebody else: move it back instead."
    return None


async def _reserve(info: Info, write: OwnerWrite, items: Sequence[Item]) -> None:
    """Leave as they are the todos for whose changes the quota has no room."""
    quota, time_slice = Quota.of(info.context.settings), TimeSlice()
    for item in items:
        await time_slice.checkpoint()
        if item.stored and item.planned and item.stored != item.planned:
            problem = write.storage.reserve(Entry(item.stored, item.planned), quota)
            if problem:
                item.exceed(problem)


async def _store(write: OwnerWrite, items: Sequence[Item]) -> int:
    """Write the changes some hundreds at a time, and return their number."""
    changed = [item for item in items if item.stored != item.planned]
    for item in changed:
        write.touch(todo.list_id for todo in (item.stored, item.planned) if todo)
    for start in range(0, len(changed), BATCH_SIZE):
        batch = changed[start : start + BATCH_SIZE]
        if start:
            await _count_subtasks(write, batch)
        for item in batch:
            assert item.stored is not None
            assert item.planned is not None
            item.planned = write.change(item.stored, item.planned)
        await write.store()
        for item in batch:
            assert item.planned is not None
            item.planned = write.stored(item.planned)
    # Lists and sections may be all that changes.
    await write.store()
    return len(changed)


async def _count_subtasks(write: OwnerWrite, items: Sequence[Item]) -> None:
    """Note how many subtasks todos have after the changes that are written already."""
    rows = await write.connection.fetch(SUBTASKS, write.owner_id, [item.id for item in items])
    counts = {row["id"]: dict(row) for row in rows}
    for item in items:
        assert item.stored is not None
        assert item.planned is not None
        item.stored = item.stored._replace(**counts[item.id])
        item.planned = item.planned._replace(**counts[item.id])


async def _payload(info: Info, items: Sequence[Item], updated: int) -> TodoBulkPayload:
    time_slice, results = TimeSlice(), list[TodoBulkResult]()
    for index, item in enumerate(items):
        await time_slice.checkpoint()
        id, todo = strawberry.ID(str(item.id)), to_todo(item.planned, info)
        results.append(
            TodoBulkResult(index=index, id=id, todo=todo, errors=item.errors, todo_id=id)
        )
    processed = sum(item.stored is not None for item in items)
    return TodoBulkPayload(results=results, processed=processed, updated=updated)
