"""The one write path: an owner's lock, set-based statements, and the change log, in a transaction.

The lock is a statement of its own, so that everything after it sees what the last holder wrote.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql import access, db
from todo_gql.auth import Viewer
from todo_gql.changes.live import announce
from todo_gql.changes.log import Entry
from todo_gql.errors import Unauthenticated
from todo_gql.loaders import TAGS_OF_TODOS, grouped_tags
from todo_gql.models import Status, Todo, column_types
from todo_gql.todos.state import STORED, TodoState

UNCHANGEABLE = frozenset({"id", "owner_id", "created_at"})

# The rows `n` (new) that the arrays of a statement's parameters hold, an array for each column.
COLUMN_TYPES = column_types(Todo)
NEW_TODOS = (
    f"unnest({', '.join(f'${i}::{COLUMN_TYPES[name]}[]' for i, name in enumerate(STORED, 1))})"
    f" AS n ({', '.join(STORED)})"
)
INSERT_TODOS = (
    f"INSERT INTO todos ({', '.join(STORED)}) SELECT {', '.join(f'n.{c}' for c in STORED)}"
    f" FROM {NEW_TODOS} ON CONFLICT (id) DO NOTHING RETURNING id"
)
UPDATE_TODOS = (
    f"UPDATE todos t SET {', '.join(f'{c} = n.{c}' for c in STORED if c not in UNCHANGEABLE)}"
    f" FROM {NEW_TODOS} WHERE t.owner_id = n.owner_id AND t.id = n.id"
)
COUNT_TAGS = """
WITH d AS (SELECT * FROM unnest($2::uuid[], $3::text[], $4::int[]) AS d (id, name, delta)),
kept AS (
    UPDATE tags g SET todo_count = g.todo_count + d.delta FROM d
    WHERE g.owner_id = $1 AND g.name = d.name RETURNING g.name
)
INSERT INTO tags (id, owner_id, name, todo_count)
SELECT d.id, $1, d.name, d.delta FROM d WHERE d.name NOT IN (SELECT name FROM kept)
"""
TAG_TODOS = """
INSERT INTO todo_tags (owner_id, todo_id, tag_id)
SELECT $1, n.todo_id, g.id FROM unnest($2::uuid[], $3::text[]) AS n (todo_id, name)
JOIN tags g ON g.owner_id = $1 AND g.name = n.name
"""
UNTAG_TODOS = """
DELETE FROM todo_tags tt USING unnest($2::uuid[], $3::text[]) AS o (todo_id, name)
JOIN tags g ON g.owner_id = $1 AND g.name = o.name
WHERE tt.owner_id = $1 AND tt.todo_id = o.todo_id AND tt.tag_id = g.id
"""
DROP_UNUSED_TAGS = """
DELETE FROM tags g WHERE g.owner_id = $1 AND g.name = ANY($2::text[]) AND NOT EXISTS (
    SELECT FROM todo_tags tt WHERE tt.owner_id = g.owner_id AND tt.tag_id = g.id
)
"""
APPEND_CHANGES = """
WITH counted AS (
    UPDATE users SET change_seq = change_seq + cardinality($2::uuid[]),
        pending_count = pending_count + $8, in_progress_count = in_progress_count + $9,
        completed_count = completed_count + $10, cancelled_count = cancelled_count + $11
    WHERE id = $1 RETURNING change_seq - cardinality($2::uuid[]) AS seq
)
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at)
SELECT n.id, $1, counted.seq + n.place, n.todo_id, $6, n.action, n.diff::jsonb, $7
FROM counted, unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::text[])
    WITH ORDINALITY AS n (id, todo_id, action, diff, place)
"""
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

    async def create(self, todos: Sequence[TodoState]) -> set[UUID]:
        """Insert todos and return the ids of those whose id was free."""
        rows = await self.connection.fetch(INSERT_TODOS, *_columns_of(todos))
        created = {row["id"] for row in rows}
        self._entries += [Entry(None, todo) for todo in todos if todo.id in created]
        return created

    async def store(self) -> None:
        """Write all changes that were noted, their tags, counts and log entries."""
        if not self._entries:
            return
        if updated := [entry.after for entry in self._entries if entry.before]:
            await self.connection.execute(UPDATE_TODOS, *_columns_of(updated))
        await self._store_tags()
        await self._append_changes()
        self._entries.clear()

    async def _store_tags(self) -> None:
        owner_id = self.viewer.id
        added, removed = _tags_moved(self._entries)
        counts = Counter[str]()
        for before, after in self._entries:
            counts.subtract(_counted_tags(before))
            counts.update(_counted_tags(after))
        # A tag that only todos in the trash carry has a row, too, with a count of 0.
        names = {name for name, delta in counts.items() if delta} | set(added[1])
        if names:
            await self.connection.execute(
                COUNT_TAGS, owner_id, [uuid7() for _ in names], names, [counts[n] for n in names]
            )
        if removed[0]:
            await self.connection.execute(UNTAG_TODOS, owner_id, *removed)
        if added[0]:
            await self.connection.execute(TAG_TODOS, owner_id, *added)
        if removed[0]:
            await self.connection.execute(DROP_UNUSED_TAGS, owner_id, list(set(removed[1])))

    async def _append_changes(self) -> None:
        statuses = Counter[int]()
        for before, after in self._entries:
            statuses.subtract(_counted_status(before))
            statuses.update(_counted_status(after))
        await self.connection.execute(
            APPEND_CHANGES,
            self.viewer.id,
            [uuid7() for _ in self._entries],
            [entry.after.id for entry in self._entries],
            [entry.action for entry in self._entries],
            [entry.diff() for entry in self._entries],
            self.viewer.id,
            self.now,
            *(statuses[status] for status in Status),
        )

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


Moved = tuple[list[UUID], list[str]]


def _tags_moved(entries: Sequence[Entry]) -> tuple[Moved, Moved]:
    """The pairs of todo and tag name that came, and those that went."""
    added: Moved = ([], [])
    removed: Moved = ([], [])
    for before, after in entries:
        old, new = set(before.tags if before else ()), set(after.tags)
        for moved, names in ((added, new - old), (removed, old - new)):
            moved[0].extend([after.id] * len(names))
            moved[1].extend(names)
    return added, removed


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
            announce(viewer.id)
