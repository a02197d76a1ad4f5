"""Moving one todo, or many in one transaction."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from todo_gql.api.errors import UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.database.retry import retried
from todo_gql.features.todos.actions import charge_further, refused_write, to_todo
from todo_gql.features.todos.bulk import (
    BulkOptions,
    ItemResult,
    finish,
    finished,
    ids_by_owner,
    only_change,
)
from todo_gql.features.todos.destinations import (
    Destination,
    owner_of_destination,
    read_destination,
)
from todo_gql.features.todos.inputs import TodoPlacementInput
from todo_gql.features.todos.item_lists import duplicates, size_problems
from todo_gql.features.todos.moves import Move
from todo_gql.features.todos.owners import owners_of_todos
from todo_gql.features.todos.payloads import TodoBulkPayload, TodoPayload
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.viewer_writes import viewer_writes
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.operation.context import Info
from todo_gql.security.authentication import Viewer


@retried
async def move_todo(
    info: Info, id: str, to: TodoPlacementInput, expected_version: int | None
) -> TodoPayload:
    """Move a todo, unless it is missing, newer than expected, or can't stand there.

    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    todo_id, viewer = parse_id(id), info.context.signed_in()
    problems: list[UserError] = []
    destination, ids = read_destination(to, problems, "to"), [todo_id] if todo_id else []
    owners = await owners_of_todos(viewer, ids)
    moving = _Moving(destination, owners, await owner_of_destination(viewer, destination), viewer)
    async with viewer_writes(viewer, moving.ids) as writes:
        info.context.viewer_time_zone = next(iter(writes.values())).clock.zone_name
        [move] = (await moving.moves(writes)).values()
        stored = move.before.get(todo_id) if todo_id else None
        refusal = stored and move.refusal(stored.id, "id")
        if refused := refused_write(stored, refusal, expected_version, problems, info):
            return refused
        assert stored
        error = move.move(stored.id) or await move.position()
        if error is None and (problem := await move.record(Quota.of(info.context.settings))):
            error = invalid(*problem, "id")
        if error:
            return TodoPayload(todo=to_todo(stored, info), errors=[error])
        await move.write.store()
        await move.store_transfers()
        todo = move.write.stored(move.subtrees.states[stored.id])
    charge_further(info, list(writes.values()), 1)
    info.context.clear_loaders()
    return TodoPayload(todo=to_todo(todo, info), first_change=only_change(writes.values()))


@retried
async def move_todos(
    info: Info, ids: Sequence[str], to: TodoPlacementInput, options: BulkOptions
) -> TodoBulkPayload:
    """Move todos with these ids, whoever of several owners has them, one behind the other.

    What is wrong with the destination whatever the todo refuses the call, and so does an exceeded quota.
    The viewer is the actor. `Unauthenticated` if nobody is signed in.
    """
    viewer = info.context.signed_in()
    refusals = [*size_problems(ids, "ids"), *duplicates(ids, "ids")]
    destination = read_destination(to, refusals, "to")
    if refusals:
        return TodoBulkPayload(errors=refusals)
    keys = [parse_id(id) for id in ids]
    owners = await owners_of_todos(viewer, [key for key in keys if key])
    moving = _Moving(destination, owners, await owner_of_destination(viewer, destination), viewer)
    async with viewer_writes(viewer, moving.ids) as writes:
        info.context.viewer_time_zone = next(iter(writes.values())).clock.zone_name
        moves = await moving.moves(writes)
        results = [
            _moved(moves[moving.owner_after(key)], id, key, index)
            for index, (id, key) in enumerate(zip(ids, keys, strict=True))
        ]
        for move in moves.values():
            error = await move.position()
            if error is None and (problem := await move.record(Quota.of(info.context.settings))):
                error = invalid(*problem, "ids")
            if error:
                move.write.discard()
                return TodoBulkPayload(errors=[error])
        for result in results:
            if result.before and not result.errors:
                move = moves[moving.owner_after(result.before.id)]
                result.after = move.subtrees.states[result.before.id]
        then = [move.store_transfers for move in moves.values()]
        payload = await finish(info, list(writes.values()), results, options, then)
    return finished(info, writes.values(), results, options, payload)


class _Moving:
    """Todos of several owners, by whom they are before and after a move.

    What has no owner in its destination stays with its own; `ids` has the todos of each owner.
    """

    def __init__(
        self,
        destination: Destination,
        owners: dict[UUID, UUID],
        target_id: UUID | None,
        viewer: Viewer,
    ) -> None:
        self.destination, self.owners, self.target_id = destination, owners, target_id
        self.ids = ids_by_owner(owners, viewer.id)
        if target_id:
            self.ids.setdefault(target_id, [])

    def owner_after(self, todo_id: UUID | None) -> UUID:
        """Whose a todo is after the move."""
        if self.target_id:
            return self.target_id
        return self.owners[todo_id] if todo_id else next(iter(self.ids))

    async def moves(self, writes: Mapping[UUID, OwnerWrite]) -> dict[UUID, Move]:
        """The moves to each owner to whom todos move, and that of the viewer's."""
        if self.target_id is None:
            return {
                owner_id: await Move.of(write, self.destination, self.ids[owner_id])
                for owner_id, write in writes.items()
            }
        others = [
            (write, self.ids[owner_id])
            for owner_id, write in writes.items()
            if owner_id != self.target_id
        ]
        target = writes[self.target_id]
        own = self.ids[self.target_id]
        return {self.target_id: await Move.of(target, self.destination, own, others)}


def _moved(move: Move, id: str, todo_id: UUID | None, index: int) -> ItemResult:
    stored = move.before.get(todo_id) if todo_id else None
    # What is loaded with a todo as a subtask of it isn't named for that.
    if stored is None or todo_id is None:
        return ItemResult(id, errors=[not_found("ids", str(index))])
    error = move.refusal(todo_id, "ids", str(index)) or move.move(todo_id)
    return ItemResult(id, stored, stored, [error] if error else [])
