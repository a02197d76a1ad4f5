"""Changes of todos together with those of their subtasks, each a change of its own."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from todo_gql.api.order_keys import position_key
from todo_gql.api.text import Problem
from todo_gql.database.models import Status
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.subtrees import COMPLETION, RESET, RESTORATION, Spread, Subtrees
from todo_gql.features.todos.surroundings import Parent, Surroundings, open_in
from todo_gql.features.todos.writes import OwnerWrite

Outcome: TypeAlias = TodoState | Problem
"""A todo as it is now, or why it wasn't changed."""


async def record_changes(
    write: OwnerWrite,
    subtrees: Subtrees,
    changed: Mapping[UUID, TodoState],
    spread: Spread | None,
    quota: Quota,
) -> dict[UUID, Outcome]:
    """Record the changed states of todos, and what they spread to their subtasks.

    A todo changes with all that it spreads to, or not at all. One that is changed itself and also reached
    from another one changes once.
    """
    if spread is not RESTORATION:
        outcomes: dict[UUID, Outcome] = {}
        done = set(changed)
        around = await _lists_of_reopened(write, subtrees, changed)
        for id, after in changed.items():
            entries = _spread_entries(write, subtrees, after, spread, done)
            outcomes[id] = _record(write, entries, around, quota)
            if isinstance(outcomes[id], TodoState):
                done |= {entry.after.id for entry in entries}
        return outcomes
    return await _Restoration(write, subtrees, changed, quota).record()


async def _lists_of_reopened(
    write: OwnerWrite, subtrees: Subtrees, changed: Mapping[UUID, TodoState]
) -> Surroundings:
    """The lists in which todos are open after their change, and weren't before: hardly ever any."""
    lists = {
        list_id
        for id, after in changed.items()
        if (list_id := open_in(after)) and open_in(subtrees.states[id]) != list_id
    }
    return await Surroundings.load(write, lists=lists) if lists else Surroundings()


def _spread_entries(
    write: OwnerWrite,
    subtrees: Subtrees,
    after: TodoState,
    spread: Spread | None,
    done: set[UUID],
) -> list[Entry]:
    """The change of a todo, and then those of the subtasks that it spreads to."""
    before = subtrees.states[after.id]
    entries = [Entry(before, after)]
    if spread is COMPLETION and after.status == Status.PENDING:
        # It repeats: its occurrence was completed.
        spread = RESET
    if spread and spread.applies(before, after):
        entries += [
            Entry(todo, edited)
            for todo in subtrees.below(after.id)
            if todo.id not in done and (edited := spread.edit(todo, write.now)) != todo
        ]
    return entries


def _record(
    write: OwnerWrite, entries: Sequence[Entry], around: Surroundings, quota: Quota
) -> Outcome:
    """Record changes of which the first is that of the todo that was named; all or none of them."""
    storage = write.storage
    before = storage.todos, storage.stored_bytes
    problem = None
    changes = [write.versioned(entry.before, entry.after) for entry in entries if entry.before]
    for entry in changes:
        if entry.before != entry.after and (problem := storage.reserve(entry, quota)):
            break
    if problem := problem or around.add_opened(entries):
        storage.todos, storage.stored_bytes = before
        return problem
    write.record(changes)
    return changes[0].after


class _Restoration:
    """Todos that leave the trash, with what was moved there together with them.

    One whose parent is in the trash still, is in another list, or has no room for it becomes a todo
    without a parent; one whose list is in the trash goes to the inbox.
    """

    def __init__(
        self,
        write: OwnerWrite,
        subtrees: Subtrees,
        changed: Mapping[UUID, TodoState],
        quota: Quota,
    ) -> None:
        self.write, self.subtrees, self.changed, self.quota = write, subtrees, changed, quota
        self.around = Surroundings()
        self.outcomes: dict[UUID, Outcome] = {}
        self.done = set(changed)

    async def record(self) -> dict[UUID, Outcome]:
        """Record them, parents before their subtasks."""
        states = self.subtrees.states.values()
        self.around = await Surroundings.load(
            self.write,
            lists=(todo.list_id for todo in states),
            sections=(todo.section_id for todo in states),
            parents=(todo.parent_id for todo in self.changed.values()),
        )
        for id in self.changed:
            self._restore(id)
        return {id: self.outcomes[id] for id in self.changed}

    def _restore(self, id: UUID) -> None:
        before, after = self.subtrees.states[id], self.changed[id]
        if id in self.outcomes:
            return
        if not RESTORATION.applies(before, after):
            self.outcomes[id] = before
            return
        if after.parent_id is not None and after.parent_id in self.changed:
            self._restore(after.parent_id)
        levels = list(self.subtrees.levels_below(id))
        below = self._coming_along(levels)
        todos = [
            self._moved_home(after),
            *(RESTORATION.edit(todo, self.write.now) for todo in below),
        ]
        todos[0] = self._attached(todos[0], len(levels))
        todos[1:] = map(self._moved_home, todos[1:])
        first = self.write.next_seq
        entries = [
            Entry(old, self._positioned(old, new, first + index))
            for index, (old, new) in enumerate(zip([before, *below], todos, strict=True))
        ]
        outcome = _record(self.write, entries, self.around, self.quota)
        self.outcomes[id] = outcome
        if isinstance(outcome, TodoState):
            self.done |= {todo.id for todo in todos}
            self._add_parents(todos)

    def _coming_along(self, levels: Sequence[Sequence[TodoState]]) -> list[TodoState]:
        """The subtasks that come back with a todo; what is below another one that is named comes back with that."""
        others: set[UUID] = set()
        along = []
        for todo in (todo for level in levels for todo in level):
            if todo.id in self.done or todo.parent_id in others:
                others.add(todo.id)
            else:
                along.append(todo)
        return along

    def _moved_home(self, todo: TodoState) -> TodoState:
        """The todo in the inbox if its list is gone, and in no section if that is."""
        if not self.around.is_there(todo.list_id):
            return todo._replace(list_id=None, section_id=None)
        if todo.section_id and self.around.sections.get(todo.section_id) != todo.list_id:
            return todo._replace(section_id=None)
        return todo

    def _attached(self, todo: TodoState, height: int) -> TodoState:
        """The todo below its parent, if that can have it."""
        if todo.parent_id is None:
            return todo
        parent = self.around.parents.get(todo.parent_id)
        if (
            parent is None
            or parent.list_id != todo.list_id
            or self.around.add_subtask(todo.parent_id, height)
        ):
            return todo._replace(parent_id=None)
        return todo

    def _positioned(self, before: TodoState, after: TodoState, number: int) -> TodoState:
        """The todo behind all others, if it is in another list now."""
        if before.list_id == after.list_id:
            return after
        return after._replace(position=position_key(number))

    def _add_parents(self, todos: list[TodoState]) -> None:
        """Let todos that are restored after these be subtasks of theirs."""
        for todo in todos:
            above = (
                self.around.parents[todo.parent_id].line if todo.parent_id else frozenset[UUID]()
            )
            self.around.parents[todo.id] = Parent(todo.list_id, above | {todo.id}, 0)
        for todo in todos[1:]:
            if todo.parent_id:
                parent = self.around.parents[todo.parent_id]
                self.around.parents[todo.parent_id] = parent._replace(subtasks=parent.subtasks + 1)
