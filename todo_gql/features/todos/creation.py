"""Where new todos stand."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from todo_gql.api.errors import UserError
from todo_gql.api.order_keys import MAX_KEY, position_key
from todo_gql.api.placement import LAST, Placement, Sibling, Siblings, keys_at
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.destinations import (
    NOWHERE,
    Destination,
    Subtree,
    Target,
    join,
    surroundings_of,
    target_of,
)
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.surroundings import siblings_in
from todo_gql.features.todos.writes import OwnerWrite


class NewTodo(NamedTuple):
    """A todo to be created, and where it is to stand."""

    todo: TodoState
    destination: Destination


async def with_targets(
    write: OwnerWrite, new_todos: Sequence[NewTodo]
) -> list[TodoState | UserError]:
    """The todos where they are to stand, or why they can't; those with one anchor in their order.

    Those that are to be the last get no position: the statement that inserts them makes one.
    """
    around = await surroundings_of(write, [new.destination for new in new_todos])
    placed = list[TodoState | UserError]()
    for todo, destination in new_todos:
        target = target_of(destination, around, None)
        if isinstance(target, Target):
            subtree = Subtree(todo.id, 0, int(todo.status in OPEN_STATUSES))
            error = join(destination, around, NOWHERE, target, subtree)
            placed.append(error or todo._replace(**target._asdict()))
        else:
            placed.append(target)
    await _position(write, new_todos, placed)
    return placed


async def _position(
    write: OwnerWrite, new_todos: Sequence[NewTodo], placed: list[TodoState | UserError]
) -> None:
    groups = defaultdict[tuple[UUID | None, Placement], list[int]](list)
    for index, (todo, new) in enumerate(zip(placed, new_todos, strict=True)):
        placement = new.destination.placement
        if isinstance(todo, TodoState) and placement and placement != LAST:
            groups[todo.list_id, placement].append(index)
    # No key of a todo that is inserted without one is less than this.
    unsaved = defaultdict[UUID | None, list[str]](lambda: [position_key(write.next_seq)])
    for (list_id, placement), indexes in groups.items():
        moved = [Sibling(new_todos[index].todo.id) for index in indexes]
        path = (*new_todos[indexes[0]].destination.path, "place")
        siblings, more = siblings_in(write.owner_id, list_id), unsaved[list_id]
        keys = await keys_at(write.connection, siblings, placement, moved, *path, unsaved=more)
        if not isinstance(keys, list):
            for index in indexes:
                placed[index] = keys
            continue
        if max(map(len, keys)) > MAX_KEY:
            await _renumber(write, siblings)
            await _position(write, new_todos, placed)
            return
        more += keys
        for index, key in zip(indexes, keys, strict=True):
            todo = placed[index]
            assert isinstance(todo, TodoState)
            placed[index] = todo._replace(position=key)


async def _renumber(write: OwnerWrite, siblings: Siblings) -> None:
    """Give all todos of a list short keys; each is a change of its own."""
    text = f"SELECT id FROM {siblings.table} WHERE {siblings.condition}"
    ids = [row["id"] for row in await write.connection.fetch(text, *siblings.values)]
    todos = (await write.load(ids, trash=True)).values()
    for todo in sorted(todos, key=lambda todo: todo.position):
        write.change(todo, todo._replace(position=position_key(write.next_seq)))
    await write.store()
