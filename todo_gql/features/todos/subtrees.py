"""Todos with their subtasks at all depths, and how a change of a todo spreads to them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.database.models import Status
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.access import TODO_COLUMNS
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.state import TodoEdit, TodoState, read_states
from todo_gql.features.todos.writes import OwnerWrite

# What is below the named todos, level by level.
SUBTREES: Final = """
WITH RECURSIVE below AS (
    SELECT p.id, p.deleted_at, 0 AS depth FROM todos p WHERE p.owner_id = $1 AND p.id = ANY($2::uuid[])
    UNION
    SELECT c.id, c.deleted_at, p.depth + 1 FROM below p
    JOIN todos c ON c.owner_id = $1 AND c.parent_id = p.id AND {} WHERE p.depth < 100
)
SELECT {} FROM (SELECT id, min(depth) AS depth FROM below GROUP BY id) b
JOIN todos t ON t.owner_id = $1 AND t.id = b.id WHERE b.depth > 0 ORDER BY b.depth, t.position, t.id
"""


class Spread(NamedTuple):
    """How a change of a todo spreads to its subtasks.

    `condition` is SQL: whether a subtask `c` belongs to the subtree of its parent `p`. `applies` says
    whether the change from the first state to the second one spreads, and `edit` what becomes of a subtask.
    """

    condition: str
    applies: Callable[[TodoState, TodoState], bool]
    edit: Callable[[TodoState, datetime], TodoState]


def _complete_if_open(todo: TodoState, now: datetime) -> TodoState:
    return (
        todo.with_edit({"status": Status.COMPLETED.value}, now)
        if todo.status in OPEN_STATUSES
        else todo
    )


COMPLETION: Final = Spread(
    condition="c.deleted_at IS NULL",
    applies=lambda before, after: before.status != after.status == Status.COMPLETED,
    edit=_complete_if_open,
)
# What is to be done again has all of its subtasks to do again.
RESET: Final = Spread(
    condition=COMPLETION.condition,
    applies=lambda before, after: before != after,
    edit=lambda todo, now: todo.with_edit({"status": Status.PENDING.value}, now),
)
DELETION: Final = Spread(
    condition="c.deleted_at IS NULL",
    applies=lambda before, after: before.deleted_at is None and after.deleted_at is not None,
    edit=lambda todo, now: todo._replace(deleted_at=now),
)
# What was deleted with its parent comes back with it.
RESTORATION: Final = Spread(
    condition="c.deleted_at = p.deleted_at",
    applies=lambda before, after: before.deleted_at is not None and after.deleted_at is None,
    edit=lambda todo, _now: todo._replace(deleted_at=None),
)
MOVE: Final = Spread(
    condition="c.deleted_at IS NULL",
    applies=lambda before, after: before.list_id != after.list_id,
    edit=lambda todo, _now: todo,
)


def completion_by(edit: TodoEdit) -> Spread | None:
    """How an edit spreads: like a completion if that is what it is."""
    return COMPLETION if edit.get("status") == Status.COMPLETED else None


class Subtrees:
    """The states of todos and of their subtasks, which can be changed here before they are written."""

    def __init__(self, todos: Iterable[TodoState]) -> None:
        self.states: dict[UUID, TodoState] = {}
        self._children: defaultdict[UUID, list[UUID]] = defaultdict(list)
        self.add(todos)

    def add(self, todos: Iterable[TodoState]) -> None:
        """Add todos that aren't among these."""
        for todo in todos:
            self.states[todo.id] = todo
            if todo.parent_id:
                self._children[todo.parent_id].append(todo.id)

    def replace(self, todo: TodoState) -> None:
        """Set the state of a todo, which may have another parent now."""
        before = self.states.get(todo.id)
        self.states[todo.id] = todo
        if before and before.parent_id != todo.parent_id:
            if before.parent_id:
                self._children[before.parent_id].remove(todo.id)
            if todo.parent_id:
                self._children[todo.parent_id].append(todo.id)

    def levels_below(self, todo_id: UUID) -> Iterator[list[TodoState]]:
        """The subtasks of a todo, then theirs, and so on."""
        level = [todo_id]
        while level := [child for id in level for child in self._children.get(id, ())]:
            yield [self.states[id] for id in level]

    def below(self, todo_id: UUID) -> list[TodoState]:
        """All todos below one, parents before their subtasks."""
        return [todo for level in self.levels_below(todo_id) for todo in level]

    def height(self, todo_id: UUID) -> int:
        """How deep the subtasks of a todo are nested; 0 if it has none."""
        return sum(1 for _ in self.levels_below(todo_id))


async def load_subtrees(
    write: OwnerWrite, ids: Sequence[UUID], spread: Spread | None, *, trash: bool = False
) -> Subtrees:
    """The owner's todos with these ids, those in the trash only if asked for.

    What changes of them spread to is loaded with them.
    """
    named = list((await write.load_named(ids, trash=trash)).values()) if ids else []
    ids = [todo.id for todo in named if write.parents is None or todo.id in write.parents]
    if not ids or spread is None:
        return Subtrees(named)
    text = SUBTREES.format(spread.condition, ", ".join((*TODO_COLUMNS, TAG_NAMES)))
    rows = await write.connection.fetch(text, write.owner_id, ids)
    return Subtrees([*named, *(await read_states(rows)).values()])
