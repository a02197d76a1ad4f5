"""Moving one todo, or many in one transaction."""

from collections.abc import Sequence
from uuid import UUID

from todo_gql.api.errors import UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.retry import retried
from todo_gql.features.todos.actions import charge_further, precondition_errors, to_todo
from todo_gql.features.todos.bulk import BulkOptions, ItemResult, finish
from todo_gql.features.todos.destinations import read_destination
from todo_gql.features.todos.inputs import TodoPlacementInput
from todo_gql.features.todos.item_lists import duplicates, size_problems
from todo_gql.features.todos.moves import Move
from todo_gql.features.todos.payloads import TodoBulkPayload, TodoPayload
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.writes import owner_write
from todo_gql.operation.context import Info


@retried
async def move_todo(
    info: Info, owner_id: UUID, id: str, to: TodoPlacementInput, expected_version: int | None
) -> TodoPayload:
    """Move an owner's todo, unless it is missing, newer than expected, or can't stand there.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    todo_id, actor_id = parse_id(id), info.context.signed_in().id
    problems: list[UserError] = []
    destination, ids = read_destination(to, problems, "to"), [todo_id] if todo_id else []
    async with owner_write(owner_id=owner_id, actor_id=actor_id, ids=ids) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        move = await Move.of(write, destination, ids)
        stored = move.before.get(todo_id) if todo_id else None
        errors = [*precondition_errors(stored, expected_version, info), *problems]
        if errors or stored is None:
            return TodoPayload(errors=errors)
        error = move.move(stored.id) or await move.position()
        if error is None and (problem := move.record(Quota.of(info.context.settings))):
            error = invalid(*problem, "id")
        if error:
            return TodoPayload(todo=to_todo(stored, info), errors=[error])
        await write.store()
        todo = write.stored(move.subtrees.states[stored.id])
    charge_further(info, write, 1)
    info.context.clear_loaders()
    return TodoPayload(todo=to_todo(todo, info), first_change=write.first_change)


@retried
async def move_todos(
    info: Info, owner_id: UUID, ids: Sequence[str], to: TodoPlacementInput, options: BulkOptions
) -> TodoBulkPayload:
    """Move an owner's todos with these ids, one behind the other.

    What is wrong with the destination whatever the todo refuses the call, and so does an exceeded quota.
    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    actor_id = info.context.signed_in().id
    refusals = [*size_problems(ids, "ids"), *duplicates(ids, "ids")]
    destination = read_destination(to, refusals, "to")
    if refusals:
        return TodoBulkPayload(errors=refusals)
    keys = [parse_id(id) for id in ids]
    known = [key for key in keys if key]
    async with owner_write(owner_id=owner_id, actor_id=actor_id, ids=known) as write:
        info.context.viewer_time_zone = write.clock.zone_name
        move = await Move.of(write, destination, known)
        results = [
            _moved(move, id, key, index)
            for index, (id, key) in enumerate(zip(ids, keys, strict=True))
        ]
        error = await move.position()
        if error is None and (problem := move.record(Quota.of(info.context.settings))):
            error = invalid(*problem, "ids")
        if error:
            write.discard()
            return TodoBulkPayload(errors=[error])
        for result in results:
            if result.before and not result.errors:
                result.after = move.subtrees.states[result.before.id]
        payload = await finish(info, write, results, options)
    charge_further(info, write, sum(result.changed for result in results))
    return payload


def _moved(move: Move, id: str, todo_id: UUID | None, index: int) -> ItemResult:
    stored = move.before.get(todo_id) if todo_id else None
    # What is loaded with a todo as a subtask of it isn't named for that.
    if stored is None or todo_id is None:
        return ItemResult(id, errors=[not_found("ids", str(index))])
    error = move.move(todo_id)
    return ItemResult(id, stored, stored, [error] if error else [])
