"""Moves of todos to another list, section or parent, and in the order of a list."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from todo_gql.api.errors import UserError
from todo_gql.api.order_keys import MAX_KEY, position_key
from todo_gql.api.placement import LAST, Placement, Sibling, keys_at
from todo_gql.api.text import Problem
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.assignees import Assignees
from todo_gql.features.todos.destinations import (
    Destination,
    Subtree,
    Target,
    join,
    surroundings_of,
    target_of,
)
from todo_gql.features.todos.file_usage import bytes_of_files, file_problem
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.subtrees import MOVE, Subtrees, load_subtrees
from todo_gql.features.todos.surroundings import Surroundings, siblings_in
from todo_gql.features.todos.transfers import transfer
from todo_gql.features.todos.writes import OwnerWrite


class Move:
    """A move of todos, one after the other, to one destination.

    The states of `subtrees` become those after it; `record` makes changes of them, and `store_transfers`
    stores those of todos of other owners, whose writes are `sources`, by the owner's id.
    """

    def __init__(
        self,
        write: OwnerWrite,
        destination: Destination,
        subtrees: Subtrees,
        sources: Mapping[UUID, OwnerWrite],
    ) -> None:
        self.write, self.destination, self.subtrees = write, destination, subtrees
        self.sources = sources
        self.before = dict(subtrees.states)
        self._transfers = defaultdict[tuple[UUID, UUID | None], list[Entry]](list)
        self.order = list[UUID]()
        self.around = Surroundings()

    @classmethod
    async def of(
        cls,
        write: OwnerWrite,
        destination: Destination,
        ids: Sequence[UUID],
        others: Sequence[tuple[OwnerWrite, Sequence[UUID]]] = (),
    ) -> "Move":
        """The move of an owner's todos with these ids, and of those of others, to what the owner has.

        Those that are in the trash aren't there.
        """
        # What stays in its list and below its parent takes nothing along.
        to = destination
        spread = MOVE if to.list_id or to.parent_id else None
        subtrees = await load_subtrees(write, ids, spread)
        for source, others_ids in others:
            subtrees.add((await load_subtrees(source, others_ids, MOVE)).states.values())
        sources = {source.owner_id: source for source, _ in others}
        move = cls(write, destination, subtrees, sources)
        move.around = await surroundings_of(write, [destination])
        return move

    def refusal(self, todo_id: UUID, *path: str) -> UserError | None:
        """The error if the actor's role in the list that a todo is in is too little."""
        todo = self.before[todo_id]
        return self.sources.get(todo.owner_id, self.write).refusal(todo.list_id, *path)

    def move(self, todo_id: UUID) -> UserError | None:
        """Move a todo with its subtasks, as far as its list, section and parent; or why it can't be."""
        todo = self.subtrees.states[todo_id]
        target = target_of(self.destination, self.around, todo)
        if not isinstance(target, Target):
            return target
        below = self.subtrees.below(todo_id)
        subtree = Subtree(
            todo_id,
            self.subtrees.height(todo_id),
            sum(one.status in OPEN_STATUSES for one in (todo, *below)),
        )
        before = Target(todo.list_id, todo.section_id, todo.parent_id)
        if error := join(self.destination, self.around, before, target, subtree):
            return error
        owner_id = self.write.owner_id
        self.subtrees.replace(todo._replace(owner_id=owner_id, **target._asdict()))
        if target.list_id != todo.list_id:
            for one in below:
                moved = one._replace(owner_id=owner_id, list_id=target.list_id, section_id=None)
                self.subtrees.replace(moved)
        self.order.append(todo_id)
        return None

    async def position(self) -> UserError | None:
        """Give the moved todos keys, each list's in the order in which they were moved.

        What is in another list now loses an assignee who can't change that one.
        """
        await self._clear_assignees()
        placement, sequences = (
            self.destination.placement,
            defaultdict[UUID | None, list[UUID]](list),
        )
        named = set(self.order)
        for id in self.order:
            todo = self.subtrees.states[id]
            sequence = sequences[todo.list_id]
            if placement or self._changed_list(todo):
                sequence.append(id)
            along = [one for one in self.subtrees.below(id) if one.id not in named]
            along = [one for one in along if self._changed_list(one) and one.id not in sequence]
            sequence += [one.id for one in sorted(along, key=lambda one: one.position)]
        for list_id, sequence in sequences.items():
            if sequence and (error := await self._position(list_id, sequence, placement or LAST)):
                return error
        return None

    async def _clear_assignees(self) -> None:
        moved = [todo for todo in self.subtrees.states.values() if self._changed_list(todo)]
        assignees = await Assignees.load(self.write, moved)
        for todo in moved:
            self.subtrees.replace(assignees.cleared(todo))

    def _changed_list(self, todo: TodoState) -> bool:
        return self.before[todo.id].list_id != todo.list_id

    async def _position(
        self, list_id: UUID | None, sequence: Sequence[UUID], placement: Placement
    ) -> UserError | None:
        states = self.subtrees.states
        moved = [
            Sibling(id, None if self._changed_list(states[id]) else states[id].position)
            for id in sequence
        ]
        siblings = siblings_in(self.write.owner_id, list_id)
        path = (*self.destination.path, "place")
        end = self.write.next_seq
        keys = await keys_at(self.write.connection, siblings, placement, moved, *path, end=end)
        if not isinstance(keys, list):
            return keys
        for id, key in zip(sequence, keys, strict=True):
            self.subtrees.replace(states[id]._replace(position=key))
        if max(map(len, keys)) > MAX_KEY:
            await self._renumber(list_id)
        return None

    async def _renumber(self, list_id: UUID | None) -> None:
        """Give all todos of a list short keys, since one is too long; each is a change of its own."""
        siblings, write = siblings_in(self.write.owner_id, list_id), self.write
        text = f"SELECT id FROM todos WHERE {siblings.condition}"
        rows = await write.connection.fetch(text, *siblings.values)
        missing = [row["id"] for row in rows if row["id"] not in self.subtrees.states]
        for todo in (await write.load(missing, trash=True) if missing else {}).values():
            self.before[todo.id] = todo
            self.subtrees.replace(todo)
        states = self.subtrees.states.values()
        todos = sorted(
            (one for one in states if one.list_id == list_id), key=lambda one: one.position
        )
        for number, todo in enumerate(todos, write.next_seq):
            self.subtrees.replace(todo._replace(position=position_key(number)))

    async def record(self, quota: Quota) -> Problem | None:
        """Record what changed, parents before their subtasks; or the problem if the quota is exceeded."""
        for id in self._in_order():
            before, after = self.before[id], self.subtrees.states[id]
            if before == after:
                continue
            if before.owner_id != after.owner_id:
                problem = self._record_transfer(before, after, quota)
                if problem:
                    return problem
                continue
            if problem := self.write.storage.reserve(Entry(before, after), quota):
                return problem
            self.subtrees.replace(self.write.change(before, after))
        return await self._file_problem(quota) if self._transfers else None

    async def _file_problem(self, quota: Quota) -> Problem | None:
        """The problem if files of todos of other owners exceed the quota."""
        added = 0
        for (owner_id, _), entries in self._transfers.items():
            ids = [entry.after.id for entry in entries]
            added += await bytes_of_files(self.sources[owner_id], ids)
        return await file_problem(self.write, added, quota)

    def _record_transfer(self, before: TodoState, after: TodoState, quota: Quota) -> Problem | None:
        entry = self.write.versioned(before, after)
        if problem := self.write.storage.reserve(Entry(None, entry.after), quota):
            return problem
        self.sources[before.owner_id].touch([before.list_id])
        self.write.touch([after.list_id])
        self._transfers[before.owner_id, after.list_id].append(entry)
        self.subtrees.replace(entry.after)
        return None

    async def store_transfers(self) -> None:
        """Store the changes of todos that get another owner."""
        for (owner_id, list_id), entries in self._transfers.items():
            await transfer(self.sources[owner_id], self.write, list_id, entries)

    def _in_order(self) -> Iterable[UUID]:
        """The named todos, each with what is below it, and then all others."""
        ids = dict[UUID, None]()
        for id in self.order:
            ids |= dict.fromkeys([id, *(one.id for one in self.subtrees.below(id))])
        return ids | dict.fromkeys(self.subtrees.states)
