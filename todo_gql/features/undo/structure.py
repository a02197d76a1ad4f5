"""Whether todos can return to their lists, sections and parents, and come from or go to the trash.

A todo is left as it is where what it would return to isn't there any more, or where subtasks that
it got since would be left behind. That may concern further todos, until nothing more does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from todo_gql.api.errors import ErrorCode
from todo_gql.database.connection import Connection
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.surroundings import (
    MAX_DEPTH,
    MAX_OPEN_TODOS,
    MAX_SUBTASKS,
    open_in,
)
from todo_gql.features.undo.items import Item, Refuse

# The todos above and below the given ones; UNION, and not UNION ALL, ends a cycle.
RELATED = """
WITH RECURSIVE below AS (
    SELECT t.id, t.parent_id, t.list_id, t.deleted_at FROM todos t
    WHERE t.owner_id = $1 AND t.parent_id = ANY($2::uuid[])
    UNION SELECT t.id, t.parent_id, t.list_id, t.deleted_at FROM below b
    JOIN todos t ON t.owner_id = $1 AND t.parent_id = b.id
), above AS (
    SELECT t.id, t.parent_id, t.list_id, t.deleted_at FROM todos t
    WHERE t.owner_id = $1 AND t.id = ANY($3::uuid[])
    UNION SELECT t.id, t.parent_id, t.list_id, t.deleted_at FROM above a
    JOIN todos t ON t.owner_id = $1 AND t.id = a.parent_id
)
SELECT * FROM below UNION SELECT * FROM above
"""
SUBTASKS = """
SELECT parent_id AS id, count(*) AS number FROM todos
WHERE owner_id = $1 AND parent_id = ANY($2::uuid[]) AND deleted_at IS NULL GROUP BY parent_id
"""
LISTS = """
SELECT id, deleted_at, pending_count + in_progress_count AS open FROM lists
WHERE owner_id = $1 AND id = ANY($2::uuid[])
"""
SECTIONS = (
    "SELECT id, list_id, deleted_at FROM sections WHERE owner_id = $1 AND id = ANY($2::uuid[])"
)


class Standing(NamedTuple):
    """Where a todo stands, and whether it is in the trash."""

    parent_id: UUID | None
    list_id: UUID | None
    section_id: UUID | None
    deleted_at: datetime | None

    @classmethod
    def of(cls, todo: TodoState) -> "Standing":
        """The standing of a todo."""
        return cls(todo.parent_id, todo.list_id, todo.section_id, todo.deleted_at)


class Surroundings(NamedTuple):
    """What todos return to, as it is after the undo: lists and sections outside the trash.

    `lists` has the number of each one's open todos, `sections` each one's list, and `subtasks` the number
    of each parent's subtasks outside the trash.
    """

    lists: dict[UUID, int]
    sections: dict[UUID, UUID]
    subtasks: dict[UUID, int]


class Structure:
    """The standing of todos after the undo, which changes as items are left as they are."""

    def __init__(self, items: Iterable[Item], related: Mapping[UUID, Standing]) -> None:
        self._standing = dict(related)
        self._children = defaultdict[UUID, set[UUID]](set)
        for id, standing in related.items():
            if standing.parent_id:
                self._children[standing.parent_id].add(id)
        for item in items:
            self.set_standing(item)

    def set_standing(self, item: Item) -> None:
        """Note where an item is to stand."""
        assert item.planned is not None
        standing, before = Standing.of(item.planned), self._standing.get(item.id)
        if before and before.parent_id:
            self._children[before.parent_id].discard(item.id)
        if standing.parent_id:
            self._children[standing.parent_id].add(item.id)
        self._standing[item.id] = standing

    def problem(self, item: Item, surroundings: Surroundings) -> str | None:
        """Why an item can't stand where it is to, if it can't."""
        standing = self._standing[item.id]
        if problem := self._problem_below(item.id, standing):
            return problem
        if standing.deleted_at:
            return None
        list_id, section_id = standing.list_id, standing.section_id
        if list_id and list_id not in surroundings.lists:
            return "Its list isn't there any more."
        if section_id and surroundings.sections.get(section_id) != list_id:
            return "Its section isn't there any more."
        return self._problem_above(item.id, standing)

    def _problem_below(self, id: UUID, standing: Standing) -> str | None:
        for child_id in self._children[id]:
            child = self._standing[child_id]
            if child.deleted_at is None and (
                standing.deleted_at or child.list_id != standing.list_id
            ):
                return "It has subtasks that this mutation didn't change."
        return None

    def _problem_above(self, id: UUID, standing: Standing) -> str | None:
        parent_id = standing.parent_id
        if parent_id is None:
            return None
        parent = self._standing.get(parent_id)
        if parent is None or parent.deleted_at or parent.list_id != standing.list_id:
            return "Its parent isn't there any more."
        above = 0
        while parent_id is not None and above <= MAX_DEPTH:
            if parent_id == id:
                return "Its parent is below it now."
            above, parent_id = above + 1, self._standing[parent_id].parent_id
        if above + self._height(id, MAX_DEPTH) > MAX_DEPTH:
            return f"Subtasks would be more than {MAX_DEPTH} deep."
        return None

    def _height(self, id: UUID, most: int) -> int:
        """How many levels of subtasks a todo has, at most one more than `most`."""
        children = self._children[id] if most >= 0 else ()
        return max((1 + self._height(child, most - 1) for child in children), default=0)


async def check_structure(
    connection: Connection, owner_id: UUID, items: Sequence[Item], refuse: Refuse
) -> None:
    """Leave as they are the items that can't return to where they stood.

    Lists and sections are to be as they are after the undo.
    """
    moved = [item for item in items if _moves(item) or _reopens(item)]
    if not moved:
        return
    structure = Structure(moved, await _related(connection, owner_id, moved))
    surroundings = await _surroundings(connection, owner_id, moved)
    time_slice = TimeSlice()
    while True:
        valid = [item for item in moved if not item.errors]
        for item in valid:
            await time_slice.checkpoint()
            if problem := structure.problem(item, surroundings):
                refuse(item, problem)
        # Only what fits in its place takes room.
        if not any(item.errors for item in valid):
            _check_limits(moved, surroundings)
        failed = [item for item in valid if item.errors]
        if not failed:
            return
        for item in failed:
            structure.set_standing(item)


def _moves(item: Item) -> bool:
    stored, planned = item.stored, item.planned
    return bool(stored and planned and Standing.of(stored) != Standing.of(planned))


def _reopens(item: Item) -> bool:
    return _open_in(item.planned) != _open_in(item.stored)


async def _related(
    connection: Connection, owner_id: UUID, moved: Sequence[Item]
) -> dict[UUID, Standing]:
    parents = {item.planned.parent_id for item in moved if item.planned and item.planned.parent_id}
    ids = [item.id for item in moved]
    rows = await connection.fetch(RELATED, owner_id, ids, [*parents, *ids])
    return {
        row["id"]: Standing(row["parent_id"], row["list_id"], None, row["deleted_at"])
        for row in rows
    }


async def _surroundings(
    connection: Connection, owner_id: UUID, moved: Sequence[Item]
) -> Surroundings:
    planned = [item.planned for item in moved if item.planned]
    list_ids = {todo.list_id for todo in planned if todo.list_id}
    section_ids = {todo.section_id for todo in planned if todo.section_id}
    parent_ids = {todo.parent_id for todo in planned if todo.parent_id}
    surroundings = Surroundings({}, {}, {})
    if list_ids:
        rows = await connection.fetch(LISTS, owner_id, list(list_ids))
        surroundings.lists.update((row["id"], row["open"]) for row in rows if not row["deleted_at"])
    if section_ids:
        rows = await connection.fetch(SECTIONS, owner_id, list(section_ids))
        surroundings.sections.update(
            (row["id"], row["list_id"]) for row in rows if not row["deleted_at"]
        )
    if parent_ids:
        rows = await connection.fetch(SUBTASKS, owner_id, list(parent_ids))
        surroundings.subtasks.update((row["id"], row["number"]) for row in rows)
    return surroundings


def _open_in(todo: TodoState | None) -> UUID | None:
    """The list in which a todo counts as an open one."""
    return open_in(todo) if todo else None


def _subtask_of(todo: TodoState | None) -> UUID | None:
    """The parent of which a todo is a subtask outside the trash."""
    return todo.parent_id if todo and todo.deleted_at is None else None


def _check_limits(moved: Sequence[Item], surroundings: Surroundings) -> None:
    """Leave as they are the items for which a list or a parent has no room."""
    counted = (
        (_open_in, dict(surroundings.lists), MAX_OPEN_TODOS, "open todos in a list"),
        (_subtask_of, dict(surroundings.subtasks), MAX_SUBTASKS, "subtasks of a todo"),
    )
    for container_of, numbers, limit, what in counted:
        for item in moved:
            _count(numbers, container_of(item.stored), -1)
        for item in moved:
            before, after = container_of(item.stored), container_of(item.planned)
            if after and after != before and numbers.get(after, 0) >= limit:
                item.exceed((ErrorCode.TOO_MANY, f"At most {limit:,} {what} are allowed."))
                after = before
            _count(numbers, after, 1)


def _count(numbers: dict[UUID, int], id: UUID | None, number: int) -> None:
    if id:
        numbers[id] = numbers.get(id, 0) + number
