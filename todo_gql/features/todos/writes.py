"""The one write path: an owner's lock, and one statement for all that a write changes.

The lock is taken by an execution of its own, so that everything after it sees what the last holder
wrote.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import orjson
from asyncpg import ForeignKeyViolationError
from uuid_utils import uuid7

from todo_gql.api.errors import Unauthenticated
from todo_gql.changelog.live import announce
from todo_gql.database.connection import Connection, acquire
from todo_gql.database.models import Status
from todo_gql.database.retry import LOST, OutcomeUnknown
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import TODOS, Quota, Storage, growth_by
from todo_gql.features.todos.write_sql import DROP_UNUSED_TAGS, create_statement, store_statement
from todo_gql.operation.loaders import TAGS_OF_TODOS, TagOfTodo, grouped_tags
from todo_gql.operation.time_slice import Pace
from todo_gql.security import access
from todo_gql.security.authentication import Viewer

# clock_timestamp() is read again when the row had to be waited for and has changed, so that the
# times of an owner's writes follow their order.
LOCK = f"""
SELECT clock_timestamp() AS now, {TODOS} AS todos, stored_bytes FROM users WHERE id = $1
FOR NO KEY UPDATE
"""
KNOWN_IDS = "SELECT DISTINCT todo_id FROM changes WHERE owner_id = $1 AND todo_id = ANY($2::uuid[])"
TAG_NAMES = (
    "ARRAY(SELECT g.name FROM todo_tags tt"
    " JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id"
    " WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id ORDER BY g.name) AS tags"
)

IN_TRASH = len(Status)


class OwnerWrite:
    """An owner's transaction while it holds their lock."""

    def __init__(
        self, connection: Connection, viewer: Viewer, now: datetime, storage: Storage
    ) -> None:
        self.connection = connection
        self.viewer = viewer
        self.now = now
        self.storage = storage
        self.discarded = False
        self.made_tags: dict[UUID, list[TagOfTodo]] = {}
        self._entries: list[Entry] = []

    async def load(self, ids: Iterable[UUID], *, trash: bool = False) -> dict[UUID, TodoState]:
        """The viewer's todos with these ids; those in the trash only if asked for."""
        begin = access.all_todos if trash else access.visible_todos
        statement = begin(self.viewer).where_one_of("t.id", list(ids))
        text = statement.select((*access.TODO_COLUMNS, TAG_NAMES))
        rows = await self.connection.fetch(text, *statement.values)
        pace, loaded = Pace(), dict[UUID, TodoState]()
        for row in rows:
            await pace.breathe()
            loaded[row["id"]] = TodoState.from_row(row)
        return loaded

    async def known(self, ids: Sequence[UUID]) -> AbstractSet[UUID]:
        """Those of the ids that the viewer's log has, though the todo may be purged."""
        rows = await self.connection.fetch(KNOWN_IDS, self.viewer.id, ids)
        return {row["todo_id"] for row in rows}

    def change(self, before: TodoState, after: TodoState) -> TodoState:
        """Note what a todo becomes; the same as before is no change and gets no version."""
        if before == after:
            return before
        after = after._replace(version=before.version + 1, updated_at=self.now)
        self._entries.append(Entry(before, after))
        return after

    async def create(self, todos: Sequence[TodoState]) -> AbstractSet[UUID]:
        """Insert todos, and return the ids of those whose id was free: no todo has or had it.

        If that is so for all of them, everything else is stored, too, and their tags are in
        `made_tags`; if not, that is left to `store`.
        """
        if not todos:
            return frozenset()
        entries = [Entry(None, todo) for todo in todos]
        moves = TagMoves.of(entries)
        statement = create_statement(tags=bool(moves.added))
        rows = await _rows(self.now, todos, moves, entries)
        created: dict[UUID, list[TagOfTodo]] = {}
        for row in await self.connection.fetch(statement, self.viewer.id, rows):
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
        moves = TagMoves.of(self._entries)
        statement = store_statement(
            todos=bool(updated),
            tags=bool(moves.counts),
            added=bool(moves.added),
            removed=bool(moves.removed),
        )
        rows = await _rows(self.now, updated, moves, self._entries)
        await self.connection.execute(statement, self.viewer.id, rows)
        if moves.removed:
            names = list({name for _, name in moves.removed})
            await self.connection.execute(DROP_UNUSED_TAGS, self.viewer.id, names)
        self._entries.clear()

    async def tags_of(self, ids: Sequence[UUID]) -> list[list[TagOfTodo]]:
        """Each todo's tags as they are inside this transaction."""
        rows = await self.connection.fetch(TAGS_OF_TODOS, self.viewer.id, ids)
        return grouped_tags(rows, ids)

    def discard(self) -> None:
        """Undo everything when the block ends."""
        self.discarded = True


async def _rows(
    now: datetime | None,
    todos: Sequence[TodoState],
    moves: "TagMoves",
    entries: Sequence[Entry],
    quota: Quota | None = None,
) -> str:
    """What a statement writes, as JSON; with a quota only if there is room for it."""
    pace, written, diffs, grown = Pace(), list[orjson.Fragment](), list[bytes](), 0
    for entry in entries:
        await pace.breathe()
        changed = entry.changed_fields()
        diffs.append(diff := orjson.dumps(changed))
        grown += growth_by(entry, changed, diff)
    for todo in todos:
        await pace.breathe()
        written.append(orjson.Fragment(orjson.dumps(todo.as_row(), default=str)))
    rows = {
        "quota": quota and list(quota),
        "bytes": grown,
        "now": now,
        "todos": written,
        "tags": named_tags(moves.counts),
        "added": [{"todo_id": todo_id, "name": name} for todo_id, name in moves.added],
        "removed": [{"todo_id": todo_id, "name": name} for todo_id, name in moves.removed],
        "statuses": _status_moves(entries),
        "changes": [
            {
                "id": str(uuid7()),
                "later": later,
                "todo_id": entry.after.id,
                "action": entry.action,
                "diff": orjson.Fragment(diff),
            }
            for later, entry, diff in zip(
                range(len(entries) - 1, -1, -1), entries, diffs, strict=True
            )
        ],
    }
    return orjson.dumps(rows, default=str).decode()


def named_tags(counts: Mapping[str, int]) -> list[dict[str, object]]:
    """Rows of tags by name, with what is to be added to the number of their todos."""
    return [{"id": str(uuid7()), "name": name, "delta": delta} for name, delta in counts.items()]


def _counted_tags(todo: TodoState | None) -> tuple[str, ...]:
    return todo.tags if todo and todo.deleted_at is None else ()


def _status_moves(entries: Sequence[Entry]) -> list[int]:
    """What is to be added to the number of the owner's todos in each status, and in the trash."""
    moves = [0] * (IN_TRASH + 1)
    for before, after in entries:
        if before:
            moves[before.status if before.deleted_at is None else IN_TRASH] -= 1
        moves[after.status if after.deleted_at is None else IN_TRASH] += 1
    return moves


Pairs: TypeAlias = list[tuple[UUID, str]]
"""Todos and names of tags."""


class TagMoves(NamedTuple):
    """The tags that todos gain and lose, and what that makes of each tag's count."""

    added: Pairs
    removed: Pairs
    counts: dict[str, int]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "TagMoves":
        """The moves that changes bring."""
        added: Pairs = []
        removed: Pairs = []
        counts = defaultdict[str, int](int)
        for before, after in entries:
            old, new = before.tags if before else (), after.tags
            if old != new:
                added += [(after.id, name) for name in new if name not in old]
                removed += [(after.id, name) for name in old if name not in new]
            counted, to_count = _counted_tags(before), _counted_tags(after)
            if counted != to_count:
                for name in counted:
                    counts[name] -= 1
                for name in to_count:
                    counts[name] += 1
        # A tag that only todos in the trash carry has a row, too, with a count of 0.
        names = {name for name, delta in counts.items() if delta} | {name for _, name in added}
        return cls(added, removed, {name: counts[name] for name in names})


class Made(NamedTuple):
    """A todo as it was made, and its tags."""

    todo: TodoState
    tags: list[TagOfTodo]


async def create_at_once(viewer: Viewer, todo: TodoState, quota: Quota) -> Made | None:
    """Make a todo in a transaction that is one message.

    None, and nothing, if its id isn't free or there is no room for it.

    The message has the same statement executed twice: the first time it takes the lock, and the
    second it writes, having begun only then. The times are PostgreSQL's. Who uses it is to be
    `retried`. `OutcomeUnknown` when the connection is lost.
    """
    entries = [Entry(None, todo)]
    moves = TagMoves.of(entries)
    statement = create_statement(tags=bool(moves.added))
    rows = await _rows(None, [todo], moves, entries, quota)
    async with acquire() as connection:
        try:
            made = await connection.fetchmany(statement, [(viewer.id, None), (viewer.id, rows)])
        except ForeignKeyViolationError:
            raise Unauthenticated from None
        except LOST as lost:
            # It may be stored, and whoever follows is to hear of it.
            announce(viewer.id)
            raise OutcomeUnknown from lost
    if not made:
        return None
    announce(viewer.id)
    now = made[0]["created_at"]
    todo = todo._replace(created_at=now, updated_at=now)
    return Made(todo, [row for row in made if row["id"]])


@asynccontextmanager
async def owner_write(viewer: Viewer) -> AsyncIterator[OwnerWrite]:
    """The viewer's own transaction, holding their lock; undone if it is discarded or raises.

    Who uses it is to be `retried`. `OutcomeUnknown` when the connection is lost at the end of it.
    """
    async with acquire() as connection:
        # asyncpg's Transaction, which knows savepoints, too, costs half a statement more.
        await connection.execute("BEGIN")
        try:
            row = await connection.fetchrow(LOCK, viewer.id)
            if row is None:
                raise Unauthenticated
            storage = Storage(row["todos"], row["stored_bytes"])
            write = OwnerWrite(connection, viewer, row["now"], storage)
            yield write
        except LOST:
            raise
        except Exception:
            await connection.execute("ROLLBACK")
            raise
        if write.discarded:
            await connection.execute("ROLLBACK")
        else:
            try:
                await connection.execute("COMMIT")
            except LOST as lost:
                raise OutcomeUnknown from lost
            finally:
                # Also where it may be stored, and nobody knows.
                announce(viewer.id)
