"""Creating many todos in one transaction: all or none, or those that can be."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import NamedTuple
from uuid import UUID

from todo_gql.api.errors import ConflictError, UserError, invalid
from todo_gql.database.retry import retried
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.actions import (
    Draft,
    completed_draft,
    id_conflicts,
    new_state,
    read_draft,
)
from todo_gql.features.todos.assignees import Assignees
from todo_gql.features.todos.bulk import (
    BulkOptions,
    ItemResult,
    finish,
    finished,
)
from todo_gql.features.todos.creation import NewTodo, with_targets
from todo_gql.features.todos.destinations import (
    no_list_error,
    owner_of_destination,
    read_destination,
)
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.inputs import TodoCreateInput, unset_to_none
from todo_gql.features.todos.item_lists import duplicates, size_problems
from todo_gql.features.todos.payloads import TodoBulkPayload
from todo_gql.features.todos.reminders import add_reminders
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota, Storage
from todo_gql.features.todos.used_ids import logged_ids
from todo_gql.features.todos.viewer_writes import viewer_writes
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.operation.context import Info
from todo_gql.security.authentication import Viewer


@retried
async def create_todos(
    info: Info, inputs: Sequence[TodoCreateInput], options: BulkOptions
) -> TodoBulkPayload:
    """Create all todos or, as the options say, those that can be created; each is of the owner of its list.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    viewer = info.context.signed_in()
    sent_ids = [unset_to_none(sent.id) for sent in inputs]
    if refusals := [*size_problems(inputs, "inputs"), *duplicates(sent_ids, "inputs", "id")]:
        return TodoBulkPayload(errors=refusals)
    owners = await _owners_of_new(viewer, inputs)
    by_owner: dict[UUID, list[UUID]] = {owner_id: [] for owner_id in owners}
    async with viewer_writes(viewer, by_owner) as writes:
        info.context.viewer_time_zone = writes[owners[0]].clock.zone_name
        creations = await _read(info, inputs, owners, writes)
        results = [one.result for one in creations]
        parts = [
            (write, [one for one in creations if one.write is write]) for write in writes.values()
        ]
        for write, own in parts:
            await _set_targets(info, write, own)
            write.touch(todo.list_id for one in own if (todo := one.result.after))
        for write, own in parts:
            await _insert(info, write, own)
            drafts = [(one.result, one.draft.reminders) for one in own]
            await add_reminders(
                write, [(r.after, reminders) for r, reminders in drafts if r.after and not r.errors]
            )
        payload = await finish(info, list(writes.values()), results, options)
    return finished(info, writes.values(), results, options, payload)


class _Creation(NamedTuple):
    """An item of the call: its number, what is to be created, its result, and the write to its owner's todos."""

    number: int
    draft: Draft
    result: ItemResult
    write: OwnerWrite


async def _read(
    info: Info,
    inputs: Sequence[TodoCreateInput],
    owners: Sequence[UUID],
    writes: Mapping[UUID, OwnerWrite],
) -> list[_Creation]:
    """What is to be created; read under the owner's lock, so that one owner's long bulks wait for each other."""
    time_slice, creations, clock = TimeSlice(), list[_Creation](), writes[owners[0]].clock
    for index, (sent, owner_id) in enumerate(zip(inputs, owners, strict=True)):
        await time_slice.checkpoint()
        draft, problems = read_draft(sent, info.context.now, "inputs", str(index))
        draft = completed_draft(draft, clock, problems, "inputs", str(index))
        write = writes[owner_id]
        todo = None if problems else new_state(draft, owner_id, write.now)
        result = ItemResult(unset_to_none(sent.id), None, todo, problems)
        creations.append(_Creation(index, draft, result, write))
        if draft.destination and draft.destination.list_id:
            write.touch([draft.destination.list_id.value])
    return creations


async def _owners_of_new(viewer: Viewer, inputs: Sequence[TodoCreateInput]) -> list[UUID]:
    """Whose each new todo is to be: the owner's of the list or parent that it names, else the viewer's."""
    if not viewer.is_member:
        return [viewer.id] * len(inputs)
    destinations = [
        read_destination(to, []) if (to := unset_to_none(sent.to)) else None for sent in inputs
    ]
    return [await owner_of_destination(viewer, to) or viewer.id for to in destinations]


async def _set_targets(info: Info, write: OwnerWrite, creations: Sequence[_Creation]) -> None:
    """Set where the new todos stand; those that can't stand there, or not with their assignees, get errors."""
    new_todos = [
        (one, NewTodo(one.result.after, one.draft.destination))
        for one in creations
        if one.result.after and one.draft.destination
    ]
    targets = await with_targets(write, [new for _, new in new_todos]) if new_todos else []
    refused = list[tuple[_Creation, UserError]]()
    for (one, _), target in zip(new_todos, targets, strict=True):
        if isinstance(target, TodoState):
            one.result.after = target
        else:
            refused.append((one, target))
    refused += [
        (one, error)
        for one in creations
        if one.result.after and not one.draft.destination
        if (error := no_list_error(write, "inputs", str(one.number)))
    ]
    refused_numbers = {one.number for one, _ in refused}
    assignees = await Assignees.load(
        write, [todo for one in creations if (todo := one.result.after)]
    )
    for one in creations:
        todo = one.result.after
        if todo is None or one.number in refused_numbers:
            continue
        if error := assignees.error(todo, "inputs", str(one.number)):
            refused.append((one, error))
    if not refused:
        return
    ids = [one.draft.id for one, _ in refused]
    paths = [["inputs", str(one.number)] for one, _ in refused]
    # One that was created already, perhaps by the same call, is said to be so.
    conflicts = await id_conflicts(write, ids, paths, info)
    for (one, error), (stored, conflict) in zip(refused, conflicts, strict=True):
        one.result.before = one.result.after = stored
        is_known = isinstance(conflict, ConflictError)
        one.result.errors.append(conflict if is_known else error)


async def _insert(info: Info, write: OwnerWrite, creations: Sequence[_Creation]) -> None:
    await _enforce_quota(write, creations, Quota.of(info.context.settings))
    results = [one.result for one in creations]
    created = await write.create(
        [result.after for result in results if result.after and not result.errors]
    )
    for result in results:
        if result.after and not result.errors:
            result.after = created.get(result.after.id, result.after)
    conflicting = [
        (result, result.after.id, ["inputs", str(index)])
        for index, _, result, _ in creations
        if result.after and not result.errors and result.after.id not in created
    ]
    conflicts = await id_conflicts(
        write, [id for _, id, _ in conflicting], [path for *_, path in conflicting], info
    )
    for (result, *_), (stored, error) in zip(conflicting, conflicts, strict=True):
        result.before = result.after = stored
        result.errors.append(error)


async def _enforce_quota(write: OwnerWrite, creations: Sequence[_Creation], quota: Quota) -> None:
    """Refuse the todos that exceed the quota together with those before them.

    Ids that can't be used again take no room; they are looked up only if room may be too little.
    """
    results = [one.result for one in creations]
    drafts = [result.after for result in results if result.after and not result.errors]
    if await _have_room(copy(write.storage), drafts, quota):
        return
    ids = [todo.id for todo in drafts]
    used = (await write.load(ids, trash=True)).keys() | await logged_ids(write, ids)
    time_slice = TimeSlice()
    for index, _, result, _ in creations:
        if result.after is None or result.errors or result.after.id in used:
            continue
        await time_slice.checkpoint()
        if problem := write.storage.reserve(Entry(None, result.after), quota):
            result.after = None
            result.errors.append(invalid(*problem, "inputs", str(index)))


async def _have_room(storage: Storage, todos: Sequence[TodoState], quota: Quota) -> bool:
    """Whether there is room for all new todos, which are added to `storage` one by one."""
    time_slice = TimeSlice()
    for todo in todos:
        await time_slice.checkpoint()
        if storage.reserve(Entry(None, todo), quota):
            return False
    return True
