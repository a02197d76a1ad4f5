"""What stands around todos that are created, moved or restored: lists, sections, parents and neighbours.

All of it is read under the owner's lock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import ErrorCode
from todo_gql.api.placement import Siblings
from todo_gql.api.text import Problem
from todo_gql.database.connection import Row
from todo_gql.database.models import ListRole
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.list_access import INBOX, list_or_inbox
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.writes import OwnerWrite

MAX_DEPTH: Final = 5
"""How many todos a subtask may have above it."""
MAX_SUBTASKS: Final = 500
MAX_OPEN_TODOS: Final = 5_000
"""In a list; the inbox has no limit."""
# A cycle can't be stored; the bound on the depth ends the query if there is one after all.
PARENTS: Final = """
WITH RECURSIVE above AS (
    SELECT t.id AS parent_id, t.id, t.parent_id AS next_id, 0 AS depth
    FROM todos t WHERE t.owner_id = $1 AND t.id = ANY($2::uuid[]) AND t.deleted_at IS NULL
    UNION ALL
    SELECT a.parent_id, t.id, t.parent_id, a.depth + 1
    FROM above a JOIN todos t ON t.owner_id = $1 AND t.id = a.next_id WHERE a.depth < 100
)
SELECT p.id, p.list_id, (SELECT array_agg(a.id) FROM above a WHERE a.parent_id = p.id) AS line,
    (SELECT count(*) FROM todos c WHERE c.owner_id = $1 AND c.parent_id = p.id AND c.deleted_at IS NULL)
    AS subtasks
FROM todos p WHERE p.owner_id = $1 AND p.id = ANY($2::uuid[]) AND p.deleted_at IS NULL
"""
LISTS: Final = """
SELECT id, greatest(0, pending_count + in_progress_count) AS open FROM lists
WHERE owner_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL
"""
SECTIONS: Final = """
SELECT id, list_id FROM sections WHERE owner_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL
"""
ANCHORS: Final = """
SELECT id, list_id FROM todos WHERE owner_id = $1 AND id = ANY($2::uuid[]) AND deleted_at IS NULL
"""


class Parent(NamedTuple):
    """A todo outside the trash: its list, itself and the todos above it, and how many subtasks it has."""

    list_id: UUID | None
    line: frozenset[UUID]
    subtasks: int


@dataclass(slots=True)
class Surroundings:
    """Those of the named lists, sections, parents and anchors that are there, outside the trash.

    `open_counts` has how many open todos a list has, `sections` and `anchors` the list that each is in.
    What is added to a list or a parent is counted here, so that limits hold for all of a mutation. Only what
    the actor sees is there; `roles` are the actor's in the lists of somebody else.
    """

    open_counts: dict[UUID, int] = field(default_factory=dict)
    sections: dict[UUID, UUID] = field(default_factory=dict)
    parents: dict[UUID, Parent] = field(default_factory=dict)
    anchors: dict[UUID, UUID | None] = field(default_factory=dict)
    roles: Mapping[UUID, ListRole] | None = None

    @classmethod
    async def load(
        cls,
        write: OwnerWrite,
        *,
        lists: Iterable[UUID | None] = (),
        sections: Iterable[UUID | None] = (),
        parents: Iterable[UUID | None] = (),
        anchors: Iterable[UUID | None] = (),
    ) -> "Surroundings":
        """Read what is named, with a statement for each kind of which something is."""
        surroundings = cls(roles=write.roles)
        for row in await _rows(write, PARENTS, parents):
            if not write.sees(row["list_id"]):
                continue
            line = frozenset(row["line"])
            surroundings.parents[row["id"]] = Parent(row["list_id"], line, row["subtasks"])
        list_ids = {*lists, *(parent.list_id for parent in surroundings.parents.values())}
        for row in await _rows(write, LISTS, list_ids):
            if write.sees(row["id"]):
                surroundings.open_counts[row["id"]] = row["open"]
        for row in await _rows(write, SECTIONS, sections):
            if write.sees(row["list_id"]):
                surroundings.sections[row["id"]] = row["list_id"]
        for row in await _rows(write, ANCHORS, anchors):
            if write.sees(row["list_id"]):
                surroundings.anchors[row["id"]] = row["list_id"]
        return surroundings

    def is_there(self, list_id: UUID | None) -> bool:
        """Whether a list is outside the trash; the actor's own inbox always is."""
        return list_id in self.open_counts if list_id else self.roles is None

    def may_write(self, list_id: UUID | None) -> bool:
        """Whether the actor may write todos of a list that is there."""
        return self.roles is None or (
            list_id is not None and self.roles[list_id] >= ListRole.EDITOR
        )

    def add_open(self, list_id: UUID | None, number: int) -> Problem | None:
        """Count so many open todos into a list, or return the problem if it is full."""
        if list_id is None or number <= 0:
            return None
        count = self.open_counts.get(list_id, 0) + number
        if count > MAX_OPEN_TODOS:
            return ErrorCode.TOO_MANY, (
                f"The list would have {count:,} open todos; at most {MAX_OPEN_TODOS:,} are allowed."
            )
        self.open_counts[list_id] = count
        return None

    def add_opened(self, entries: Iterable[Entry]) -> Problem | None:
        """Count the todos that changes make open ones of lists, or return the problem if one is full.

        Returns a problem before it counts anything.
        """
        numbers: dict[UUID, int] = {}
        for before, after in entries:
            if before and (list_id := open_in(before)):
                numbers[list_id] = numbers.get(list_id, 0) - 1
            if list_id := open_in(after):
                numbers[list_id] = numbers.get(list_id, 0) + 1
        if not numbers:
            return None
        counts = dict(self.open_counts)
        for list_id, number in numbers.items():
            if problem := self.add_open(list_id, number):
                self.open_counts = counts
                return problem
        return None

    def add_subtask(self, parent_id: UUID, height: int) -> Problem | None:
        """Count a subtask with subtasks so deep below it, or return the problem if it doesn't fit."""
        parent = self.parents[parent_id]
        if len(parent.line) + height > MAX_DEPTH:
            return ErrorCode.TOO_MANY, (
                f"Subtasks would be {len(parent.line) + height} deep; at most {MAX_DEPTH} is allowed."
            )
        if parent.subtasks >= MAX_SUBTASKS:
            return ErrorCode.TOO_MANY, (
                f"The todo has {parent.subtasks:,} subtasks; at most {MAX_SUBTASKS:,} are allowed."
            )
        self.parents[parent_id] = parent._replace(subtasks=parent.subtasks + 1)
        return None


def open_in(todo: TodoState) -> UUID | None:
    """The list in which a todo counts as an open one; None in the inbox, too."""
    return todo.list_id if todo.status in OPEN_STATUSES and todo.deleted_at is None else None


async def _rows(write: OwnerWrite, statement: str, ids: Iterable[UUID | None]) -> list[Row]:
    named = [id for id in dict.fromkeys(ids) if id is not None]
    return await write.connection.fetch(statement, write.owner_id, named) if named else []


def siblings_in(owner_id: UUID, list_id: UUID | None) -> Siblings:
    """The todos of a list, or of the inbox, those in the trash too."""
    condition = f"owner_id = $1 AND {list_or_inbox('list_id')} = $2::uuid"
    return Siblings("todos", condition, (owner_id, list_id or INBOX))
