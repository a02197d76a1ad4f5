"""The one write path: an owner's lock, and one statement for all that a write changes.

The lock is a statement of its own, so that everything after it sees what the last holder wrote.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql import access, db
from todo_gql.auth import Viewer
from todo_gql.changes.log import Entry
from todo_gql.errors import Unauthenticated
from todo_gql.loaders import TAGS_OF_TODOS, grouped_tags
from todo_gql.models import Status
from todo_gql.todos.state import STORED, TodoState
from todo_gql.todos.write_statements import DROP_UNUSED_TAGS, create_statement, store_statement

TAG_NAMES = (
    "ARRAY(SELECT g.name FROM todo_tags tt"
    " JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id"
    " WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id ORDER BY g.name) AS tags"
)


class OwnerWrite:
    """An owner's transaction while it holds their lock."""

    def __init__(self, connection: db.Connection, viewer: Viewer, now: datetime) -> None:
        self.connection = connection
        self.viewer = viewer
        self.now = now
        self.discarded = False
        self.made_tags: dict[UUID, list[db.Row]] = {}
        self._entries: list[Entry] = []

    async def load(self, ids: Iterable[UUID], *, trash: bool = False) -> dict[UUID, TodoState]:
        """The viewer's todos with these ids; those in the trash only if asked for."""
        begin = access.all_todos if trash else access.visible_todos
        statement = begin(self.viewer)
        statement.where(f"t.id = ANY({statement.bind(list(ids))})")
        text = statement.select([*access.TODO_COLUMNS, TAG_NAMES])
        rows = await self.connection.fetch(text, *statement.values)
        return {row["id"]: TodoState.from_row(row) for row in rows}

    def change(self, before: TodoState, after: TodoState) -> TodoState:
        """Note what a todo becomes; the same as before is no change and gets no version."""
        if before == after:
            return before
        after = replace(after, version=before.version + 1, updated_at=self.now)
        self._entries.append(Entry(before, after))
        return after

    async def create(self, todos: Sequence[TodoState]) -> AbstractSet[UUID]:
        """Insert todos, and return the ids of those whose id was free.

        If that is so for all of them, everything else is stored, too, and their tags are in
        `made_tags`; if not, that is left to `store`.
        """
        if not todos:
            return frozenset()
        entries = [Entry(None, todo) for todo in todos]
        tags = TagMoves.of(entries)
        statement = create_statement(tags=bool(tags.added[0]))
        values = [*_columns_of(todos), len(todos), *tags.named_values(), *self._log_values(entries)]
        created: dict[UUID, list[db.Row]] = {}
        for row in await self.connection.fetch(statement, self.viewer.id, *values):
            created.setdefault(row["todo_id"], []).extend([row] if row["id"] else [])
        if len(created) == len(todos):
            self.made_tags = created
        else:
            self._entries += [entry for entry in entries if entry.after.id in created]
        return created.keys()

    async def store(self) -> None:
        """Write all changes that were noted, their tags, counts and log entries."""
        if not self._entries:
            return
        updated = [entry.after for entry in self._entries if entry.before]
        tags = TagMoves.of(self._entries)
        statement = store_statement(
            todos=bool(updated),
            named=bool(tags.counts),
            tagged=bool(tags.added[0]),
            untagged=bool(tags.removed[0]),
        )
        values = [
            *(_columns_of(updated) if updated else ()),
            *tags.named_values(),
            *(tags.removed if tags.removed[0] else ()),
            *self._log_values(self._entries),
        ]
        await self.connection.execute(statement, self.viewer.id, *values)
        if tags.removed[0]:
            names = list(set(tags.removed[1]))
            await self.connection.execute(DROP_UNUSED_TAGS, self.viewer.id, names)
        self._entries.clear()

    def _log_values(self, entries: Sequence[Entry]) -> Iterator[object]:
        statuses = Counter[int]()
        for before, after in entries:
            statuses.subtract(_counted_status(before))
            statuses.update(_counted_status(after))
        yield len(entries)
        yield from (statuses[status] for status in Status)
        yield self.now
        yield [uuid7() for _ in entries]
        yield [entry.after.id for entry in entries]
        yield [entry.action for entry in entries]
        yield [entry.diff() for entry in entries]
        # How many of these changes are later than each.
        yield range(len(entries) - 1, -1, -1)

    async def tags_of(self, ids: Sequence[UUID]) -> list[list[db.Row]]:
        """Each todo's tags as they are inside this transaction."""
        rows = await self.connection.fetch(TAGS_OF_TODOS, self.viewer.id, ids)
        return grouped_tags(rows, ids)

    def discard(self) -> None:
        """Undo everything when the block ends."""
        self.discarded = True


def _columns_of(todos: Sequence[TodoState]) -> list[list[object]]:
    return [[getattr(todo, name) for todo in todos] for name in STORED]


def _counted_tags(todo: TodoState | None) -> tuple[str, ...]:
    return todo.tags if todo and todo.deleted_at is None else ()


def _counted_status(todo: TodoState | None) -> tuple[int, ...]:
    return (todo.status,) if todo and todo.deleted_at is None else ()


Pairs: TypeAlias = tuple[list[UUID], list[str]]
"""Todos and names of tags."""


@dataclass(frozen=True, slots=True)
class TagMoves:
    """The tags that todos gain and lose, and what that makes of each tag's count."""

    added: Pairs
    removed: Pairs
    counts: dict[str, int]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "TagMoves":
        """The moves that changes bring."""
        added: Pairs = ([], [])
        removed: Pairs = ([], [])
        counts = Counter[str]()
        for before, after in entries:
            old, new = set(before.tags if before else ()), set(after.tags)
            for moved, names in ((added, new - old), (removed, old - new)):
                moved[0].extend([after.id] * len(names))
                moved[1].extend(names)
            counts.subtract(_counted_tags(before))
            counts.update(_counted_tags(after))
        # A tag that only todos in the trash carry has a row, too, with a count of 0.
        names = {name for name, delta in counts.items() if delta} | set(added[1])
        return cls(added, removed, {name: counts[name] for name in names})

    def named_values(self) -> Iterator[object]:
        """The values of the parts that count tags and give them to todos."""
        if self.counts:
            yield [uuid7() for _ in self.counts]
            yield list(self.counts)
            yield list(self.counts.values())
        if self.added[0]:
            yield from self.added


@asynccontextmanager
async def owner_write(viewer: Viewer) -> AsyncIterator[OwnerWrite]:
    """The viewer's own transaction, holding their lock; undone if it is discarded or raises."""
    async with db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            # clock_timestamp() is read again when the row had to be waited for and has changed,
            # so that the times of an owner's writes follow their order.
            locked = await connection.fetchrow(
                "SELECT clock_timestamp() AS now FROM users WHERE id = $1 FOR NO KEY UPDATE",
                viewer.id,
            )
            if locked is None:
                raise Unauthenticated
            write = OwnerWrite(connection, viewer, locked["now"])
            yield write
        except BaseException:
            await transaction.rollback()
            raise
        if write.discarded:
            await transaction.rollback()
        else:
            await transaction.commit()
