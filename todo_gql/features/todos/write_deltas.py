"""By how much changes of todos change what is counted, worked out from the states before and after."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from operator import attrgetter
from typing import NamedTuple, TypeAlias
from uuid import UUID

from todo_gql.database.models import Priority, Status
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import TodoState

IN_TRASH = len(Status)
FIRST_PRIORITY = IN_TRASH + 1
COUNTS = FIRST_PRIORITY + len(Priority)

TagPairs: TypeAlias = list[tuple[UUID, str]]
"""Todos and names of tags."""


class SubtaskDelta(NamedTuple):
    """By how much a parent's numbers of subtasks and of completed ones change."""

    subtasks: int
    completed: int

    def added_to(self, todo: TodoState) -> TodoState:
        """The todo with its new numbers."""
        return todo._replace(
            subtask_count=todo.subtask_count + self.subtasks,
            completed_subtask_count=todo.completed_subtask_count + self.completed,
        )


class TagDelta(NamedTuple):
    """The tags that todos gain and lose, and by how much each tag's count changes.

    `in_lists` has the same by list and name.
    """

    added: TagPairs
    removed: TagPairs
    counts: dict[str, int]
    in_lists: dict[tuple[UUID, str], int]

    @classmethod
    def of(cls, entries: Sequence[Entry], placed: Sequence[Entry]) -> "TagDelta":
        """The sum of what the changes add and remove; `placed` are those of them with a placement."""
        added: TagPairs = []
        removed: TagPairs = []
        # Calling an alias such as `defaultdict[str, int]` takes four times as long as this.
        counts: defaultdict[str, int] = defaultdict(int)
        for before, after in entries:
            old, new = before.tags if before else (), after.tags
            if old != new:
                added += [(after.id, name) for name in new if name not in old]
                removed += [(after.id, name) for name in old if name not in new]
            counted, to_count = _tags_to_count(before), _tags_to_count(after)
            if counted != to_count:
                for name in counted:
                    counts[name] -= 1
                for name in to_count:
                    counts[name] += 1
        in_lists = _list_tag_deltas(placed) if placed else {}
        # A tag that only todos in the trash carry has a row, too, with a count of 0; and the counts of
        # lists need the ids of their tags.
        names = {name for name, delta in counts.items() if delta}
        names.update((name for _, name in added), (name for _, name in in_lists))
        return cls(added, removed, {name: counts[name] for name in names}, in_lists)


def _list_tag_deltas(entries: Iterable[Entry]) -> dict[tuple[UUID, str], int]:
    deltas: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    for before, after in entries:
        if before and before.list_id:
            for name in _tags_to_count(before):
                deltas[before.list_id, name] -= 1
        if after.list_id:
            for name in _tags_to_count(after):
                deltas[after.list_id, name] += 1
    return {key: delta for key, delta in deltas.items() if delta}


def has_placement(entry: Entry) -> bool:
    """Whether a todo is in a list or below another, before a change or after it."""
    before, after = entry
    return (
        after.list_id is not None
        or after.parent_id is not None
        or (before is not None and (before.list_id or before.parent_id) is not None)
    )


def _tags_to_count(todo: TodoState | None) -> tuple[str, ...]:
    return todo.tags if todo and todo.deleted_at is None else ()


def count_deltas(entries: Iterable[Entry]) -> list[int]:
    """The deltas of the owner's counts: of each status, of the trash, and of each priority."""
    deltas = [0] * COUNTS
    for before, after in entries:
        if before:
            _count(deltas, before, -1)
        _count(deltas, after, 1)
    return deltas


def _count(deltas: list[int], todo: TodoState, number: int) -> None:
    if todo.deleted_at is None:
        deltas[todo.status] += number
        deltas[FIRST_PRIORITY + todo.priority] += number
    else:
        deltas[IN_TRASH] += number


def list_deltas(entries: Iterable[Entry]) -> dict[UUID, list[int]]:
    """The deltas of the counts of each list, one for each status."""
    deltas: defaultdict[UUID, list[int]] = defaultdict(lambda: [0] * len(Status))
    for before, after in entries:
        if before and before.list_id and before.deleted_at is None:
            deltas[before.list_id][before.status] -= 1
        if after.list_id and after.deleted_at is None:
            deltas[after.list_id][after.status] += 1
    return {list_id: counts for list_id, counts in deltas.items() if any(counts)}


DueDay: TypeAlias = tuple[date, bool]
"""A day on which todos are due, in UTC if they are due at moments of it; and whether they are."""


def due_deltas(entries: Iterable[Entry]) -> dict[DueDay, list[int]]:
    """The deltas of the counts of each day on which todos are due: the open ones, the others."""
    deltas: defaultdict[DueDay, list[int]] = defaultdict(lambda: [0, 0])
    for before, after in entries:
        if before and _DUE(before) == _DUE(after):
            continue
        if before:
            _count_due(deltas, before, -1)
        _count_due(deltas, after, 1)
    return {day: counts for day, counts in deltas.items() if any(counts)}


_DUE = attrgetter("due_at", "due_date", "status", "deleted_at")


def _count_due(deltas: Mapping[DueDay, list[int]], todo: TodoState, number: int) -> None:
    due_at, day = todo.due_at, todo.due_date
    if due_at:
        day = due_at.astimezone(UTC).date()
    if day and todo.deleted_at is None:
        deltas[day, bool(due_at)][todo.status not in OPEN_STATUSES] += number


def subtask_deltas(entries: Iterable[Entry]) -> dict[UUID, SubtaskDelta]:
    """The deltas of the counts of each parent."""
    deltas: defaultdict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for before, after in entries:
        if before and before.parent_id:
            _count_subtask(deltas[before.parent_id], before, -1)
        if after.parent_id:
            _count_subtask(deltas[after.parent_id], after, 1)
    return {id: SubtaskDelta(*counts) for id, counts in deltas.items() if any(counts)}


def _count_subtask(counts: list[int], todo: TodoState, number: int) -> None:
    if todo.deleted_at is None and todo.status != Status.CANCELLED:
        counts[0] += number
        counts[1] += number * (todo.status == Status.COMPLETED)


def with_subtask_counts(
    entries: Sequence[Entry], deltas: dict[UUID, SubtaskDelta]
) -> Sequence[Entry]:
    """The changes with the new counts of those todos that are parents too.

    Their deltas are taken out of `deltas`, since no statement may update a row twice.
    """
    if not deltas:
        return entries
    return [
        Entry(before, deltas.pop(after.id).added_to(after)) if after.id in deltas else entry
        for entry in entries
        for before, after in (entry,)
    ]
