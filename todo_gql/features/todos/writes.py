"""The one write path: an owner's lock, and one statement for all that a write changes.

The owner is whose todos, counts and change log are written, and whose lock is held; the actor is who
does it, and is named in the log. Callers check whether the actor may write. The lock is taken by a
separate execution, so that what follows sees the previous holder's writes.
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
from todo_gql.changelog.feed_registry import announce
from todo_gql.database.connection import Connection, acquire
from todo_gql.database.models import Status
from todo_gql.database.owner_batches import lock_owner
from todo_gql.database.retry import CONNECTION_LOST, OutcomeUnknown
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.access import TODO_COLUMNS, todos_of
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.loaders import TAGS_OF_TODOS, TagOfTodo, tags_by_todo
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import TODO_COUNT, Quota, Storage, growth_by
from todo_gql.features.todos.write_sql import (
    DELETE_INSERTED,
    DELETE_UNUSED_TAGS,
    create_statement,
    store_statement,
)

# clock_timestamp() is read again when the row had to be waited for and has changed, so that the
# times of an owner's writes follow their order.
LOCK_AND_READ_OWNER = lock_owner(f"clock_timestamp() AS now, {TODO_COUNT} AS todos, stored_bytes")
LOGGED_IDS = (
    "SELECT DISTINCT todo_id FROM changes WHERE owner_id = $1 AND todo_id = ANY($2::uuid[])"
)

IN_TRASH = len(Status)
# Encoding and sending as many characters takes less than a millisecond.
LONG_PAYLOAD = 256 * 1024


class OwnerGone(Exception):
    """The account of an owner other than the actor is deleted, and all of its todos with it."""


class OwnerWrite:
    """An actor's transaction on an owner's todos, while it holds the owner's lock."""

    def __init__(
        self,
        connection: Connection,
        now: datetime,
        storage: Storage,
        *,
        owner_id: UUID,
        actor_id: UUID,
    ) -> None:
        self.connection = connection
        self.owner_id = owner_id
        self.actor_id = actor_id
        self.now = now
        self.storage = storage
        self.discarded = False
        self.created_tags: dict[UUID, list[TagOfTodo]] = {}
        self._entries: list[Entry] = []

    async def load(self, ids: Iterable[UUID], *, trash: bool = False) -> dict[UUID, TodoState]:
        """The owner's todos with these ids; those in the trash only if asked for."""
        statement = todos_of(self.owner_id).where_one_of("t.id", list(ids))
        if not trash:
            statement.where("t.deleted_at IS NULL")
        text = statement.select((*TODO_COLUMNS, TAG_NAMES))
        rows = await self.connection.fetch(text, *statement.values)
        time_slice, loaded = TimeSlice(), dict[UUID, TodoState]()
        for row in rows:
            await time_slice.checkpoint()
            loaded[row["id"]] = TodoState.from_row(row)
        return loaded

    async def logged_ids(self, ids: Sequence[UUID]) -> AbstractSet[UUID]:
        """Those of the ids that the owner's log has, though the todo may be purged."""
        rows = await self.connection.fetch(LOGGED_IDS, self.owner_id, ids)
        return {row["todo_id"] for row in rows}

    def change(self, before: TodoState, after: TodoState) -> TodoState:
        """Record a changed todo for `store`, with its new version; equal states are no change."""
        if before == after:
            return before
        after = after._replace(version=before.version + 1, updated_at=self.now)
        self._entries.append(Entry(before, after))
        return after

    async def create(self, todos: Sequence[TodoState]) -> dict[UUID, TodoState]:
        """Insert those todos whose ids are free, since no todo has or had them, and return them.

        Those without a `position` get one. Tags, counts and log entries are stored too, and the
        todos' tags are in `created_tags`.
        """
        while todos:
            inserted, tags = await self._insert(todos)
            if len(inserted) == len(todos):
                self.created_tags = tags
                return inserted
            # The numbers of their changes, and with them their positions, follow from all of them.
            if inserted:
                await self.connection.execute(DELETE_INSERTED, self.owner_id, list(inserted))
            todos = [todo for todo in todos if todo.id in inserted]
        return {}

    async def _insert(
        self, todos: Sequence[TodoState]
    ) -> tuple[dict[UUID, TodoState], dict[UUID, list[TagOfTodo]]]:
        """Insert todos, and return those that were free, with their tags if all were."""
        entries = [Entry(None, todo) for todo in todos]
        delta = TagDelta.of(entries)
        statement = create_statement(tags=bool(delta.added))
        rows = await _payload(self.now, todos, delta, entries)
        positions: dict[UUID, str] = {}
        tags: dict[UUID, list[TagOfTodo]] = {}
        for row in await self.connection.fetch(statement, self.owner_id, rows, self.actor_id):
            positions[row["todo_id"]] = row["position"]
            tags.setdefault(row["todo_id"], []).extend([row] if row["id"] else [])
        inserted = {
            todo.id: todo._replace(position=positions[todo.id])
            for todo in todos
            if todo.id in positions
        }
        return inserted, tags

    async def store(self) -> None:
        """Write all recorded changes with their tags, counts and log entries."""
        if not self._entries:
            return
        updated = [entry.after for entry in self._entries if entry.before]
        delta = TagDelta.of(self._entries)
        statement = store_statement(
            todos=bool(updated),
            tags=bool(delta.counts),
            added=bool(delta.added),
            removed=bool(delta.removed),
        )
        rows = await _payload(self.now, updated, delta, self._entries)
        await self.connection.execute(statement, self.owner_id, rows, self.actor_id)
        if delta.removed:
            names = list({name for _, name in delta.removed})
            await self.connection.execute(DELETE_UNUSED_TAGS, self.owner_id, names)
        self._entries.clear()

    async def tags_of(self, ids: Sequence[UUID]) -> list[list[TagOfTodo]]:
        """Each todo's tags as they are inside this transaction."""
        rows = await self.connection.fetch(TAGS_OF_TODOS, self.owner_id, ids)
        return tags_by_todo(rows, ids)

    def discard(self) -> None:
        """Roll back when the block ends."""
        self.discarded = True


async def _payload(
    now: datetime | None,
    todos: Sequence[TodoState],
    delta: "TagDelta",
    entries: Sequence[Entry],
    quota: Quota | None = None,
) -> str:
    """The statement's JSON parameter; with a quota it writes only what that leaves room for."""
    time_slice, added_bytes, diffs = TimeSlice(), 0, list[bytes]()
    for entry in entries:
        # A single todo is never long enough for a pause.
        if diffs:
            await time_slice.checkpoint()
        changed = entry.changed_fields()
        diffs.append(diff := orjson.dumps(changed))
        added_bytes += growth_by(entry, changed, diff)
    if len(entries) > 1:
        todo_rows: Sequence[object] = await _rows_in_slices(todos, time_slice)
    else:
        todo_rows = [todo.as_row() for todo in todos]
    rows = {
        "quota": quota and list(quota),
        "bytes": added_bytes,
        "now": now,
        "todos": todo_rows,
        "tags": tag_rows(delta.counts),
        "added": [{"todo_id": todo_id, "name": name} for todo_id, name in delta.added],
        "removed": [{"todo_id": todo_id, "name": name} for todo_id, name in delta.removed],
        "statuses": _status_deltas(entries),
        "changes": _change_rows(entries, diffs),
    }
    payload = orjson.dumps(rows, default=str).decode()
    if len(payload) > LONG_PAYLOAD:
        # asyncpg encodes and sends it at once.
        await time_slice.end()
    return payload


async def _rows_in_slices(
    todos: Sequence[TodoState], time_slice: TimeSlice
) -> list[orjson.Fragment]:
    """The rows of many todos as JSON, with pauses."""
    rows = list[orjson.Fragment]()
    for todo in todos:
        await time_slice.checkpoint()
        rows.append(orjson.Fragment(orjson.dumps(todo.as_row(), default=str)))
    await time_slice.checkpoint()
    return rows


def _change_rows(entries: Sequence[Entry], diffs: Sequence[bytes]) -> list[dict[str, object]]:
    """Lines of the change log; `later` is how many come after each."""
    return [
        {
            "id": str(uuid7()),
            "later": later,
            "todo_id": entry.after.id,
            "action": entry.action,
            "diff": orjson.Fragment(diff),
        }
        for later, entry, diff in zip(range(len(entries) - 1, -1, -1), entries, diffs, strict=True)
    ]


def tag_rows(counts: Mapping[str, int]) -> list[dict[str, object]]:
    """Rows of tags by name, each with the delta of its count of todos."""
    return [{"id": str(uuid7()), "name": name, "delta": delta} for name, delta in counts.items()]


def _tags_to_count(todo: TodoState | None) -> tuple[str, ...]:
    return todo.tags if todo and todo.deleted_at is None else ()


def _status_deltas(entries: Sequence[Entry]) -> list[int]:
    """The delta of the owner's counts: one for each status, then that of the trash."""
    deltas = [0] * (IN_TRASH + 1)
    for before, after in entries:
        if before:
            deltas[before.status if before.deleted_at is None else IN_TRASH] -= 1
        deltas[after.status if after.deleted_at is None else IN_TRASH] += 1
    return deltas


TagPairs: TypeAlias = list[tuple[UUID, str]]
"""Todos and names of tags."""


class TagDelta(NamedTuple):
    """The tags that todos gain and lose, and by how much each tag's count changes."""

    added: TagPairs
    removed: TagPairs
    counts: dict[str, int]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "TagDelta":
        """The sum of what the changes add and remove."""
        added: TagPairs = []
        removed: TagPairs = []
        counts = defaultdict[str, int](int)
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
        # A tag that only todos in the trash carry has a row, too, with a count of 0.
        names = {name for name, delta in counts.items() if delta} | {name for _, name in added}
        return cls(added, removed, {name: counts[name] for name in names})


def _owner_gone(owner_id: UUID, actor_id: UUID) -> Exception:
    return Unauthenticated() if owner_id == actor_id else OwnerGone()


class CreatedTodo(NamedTuple):
    """A todo as it was created, and its tags."""

    todo: TodoState
    tags: list[TagOfTodo]


async def create_in_one_message(
    todo: TodoState, quota: Quota, *, owner_id: UUID, actor_id: UUID
) -> CreatedTodo | None:
    """Create an owner's todo in a transaction that is a single message to PostgreSQL.

    Returns None, and stores nothing, if its id isn't free or the quota is exhausted.

    The message executes one statement twice: the first execution takes the owner's lock, the second
    writes, with a snapshot taken after the lock. The times are PostgreSQL's. Callers are to be
    `retried`. Raises `Unauthenticated` if the actor's own account is deleted, `OwnerGone` if another
    owner's is, and `OutcomeUnknown` if the connection is lost.
    """
    entries = [Entry(None, todo)]
    delta = TagDelta.of(entries)
    statement = create_statement(tags=bool(delta.added))
    rows = await _payload(None, [todo], delta, entries, quota)
    async with acquire() as connection:
        try:
            executions = [(owner_id, None, None), (owner_id, rows, actor_id)]
            created = await connection.fetchmany(statement, executions)
        except ForeignKeyViolationError:
            raise _owner_gone(owner_id, actor_id) from None
        except CONNECTION_LOST as lost:
            # It may be stored, so subscribers have to look.
            announce(owner_id)
            raise OutcomeUnknown from lost
    if not created:
        return None
    announce(owner_id)
    now = created[0]["created_at"]
    todo = todo._replace(created_at=now, updated_at=now, position=created[0]["position"])
    return CreatedTodo(todo, [row for row in created if row["id"]])


@asynccontextmanager
async def owner_write(*, owner_id: UUID, actor_id: UUID) -> AsyncIterator[OwnerWrite]:
    """A transaction that holds the owner's lock; rolled back if discarded or on an error.

    Callers are to be `retried`. Raises `Unauthenticated` if the actor's own account is deleted,
    `OwnerGone` if another owner's is, and `OutcomeUnknown` if the connection is lost during the commit.
    """
    async with acquire() as connection:
        # asyncpg's Transaction, which knows savepoints, too, costs half a statement more.
        await connection.execute("BEGIN")
        try:
            row = await connection.fetchrow(LOCK_AND_READ_OWNER, owner_id)
            if row is None:
                raise _owner_gone(owner_id, actor_id)
            storage = Storage(row["todos"], row["stored_bytes"])
            write = OwnerWrite(
                connection, row["now"], storage, owner_id=owner_id, actor_id=actor_id
            )
            yield write
        except CONNECTION_LOST:
            raise
        except Exception:
            await connection.execute("ROLLBACK")
            raise
        if write.discarded:
            await connection.execute("ROLLBACK")
        else:
            try:
                await connection.execute("COMMIT")
            except CONNECTION_LOST as lost:
                raise OutcomeUnknown from lost
            finally:
                # Also when the outcome is unknown, since it may be stored.
                announce(owner_id)
