"""The one write path: an owner's lock, and one statement for all that a write changes.

The owner is whose todos, counts and change log are written, and whose lock is held; the actor is who
does it, and is named in the log. Callers check whether the actor may write. If the lock has to be waited
for, it is taken by a separate execution, so that what follows sees the previous holder's writes.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import ForeignKeyViolationError

from todo_gql.api.errors import Unauthenticated
from todo_gql.api.time_zones import LocalClock
from todo_gql.changelog.cursors import FirstChange
from todo_gql.changelog.feed_registry import announce
from todo_gql.database.connection import Connection, Row, acquire
from todo_gql.database.models import ChangeKind, EntityAction
from todo_gql.database.owner_batches import lock_owner
from todo_gql.database.retry import CONNECTION_LOST, OutcomeUnknown
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.access import TODO_COLUMNS, todos_of
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.loaders import TAGS_OF_TODOS, TagOfTodo, tags_by_todo
from todo_gql.features.todos.state import DATES, TodoState
from todo_gql.features.todos.storage import TODO_COUNT, Quota, Storage
from todo_gql.features.todos.write_deltas import SubtaskDelta
from todo_gql.features.todos.write_rows import Change, EntityChange, WriteRows
from todo_gql.features.todos.write_sql import (
    DELETE_INSERTED,
    DELETE_UNUSED_TAGS,
    IS_CURRENT,
    WITHOUT_WAITING,
    create_statement,
    store_statement,
)
from todo_gql.reminder_times.recompute import recompute_of_todos

# clock_timestamp() is read again when the row had to be waited for and has changed, so that the
# times of an owner's writes follow their order. So are the numbers, which feeds has too: a statement that
# waits sees the new version of the row that it locks, and old ones of all others.
LOCK_AND_READ_OWNER = lock_owner(
    f"clock_timestamp() AS now, time_zone, {TODO_COUNT} AS todos, stored_bytes, change_seq"
)
# One id is no array, and never null: else PostgreSQL takes a plan for these values to be cheaper than the
# one for all, and plans each execution anew.
LOCK_AND_LOAD = f"""
SELECT u.*, {", ".join(TODO_COLUMNS)}, {TAG_NAMES}
FROM (
    SELECT clock_timestamp() AS now, time_zone, {TODO_COUNT} AS todos, stored_bytes, change_seq, {IS_CURRENT}
    FROM users u WHERE id = $1 {WITHOUT_WAITING}
) u LEFT JOIN todos t ON t.owner_id = $1 AND t.id = $2
"""
# The same, with whether each todo has subtasks, which most have not.
IS_PARENT = """, EXISTS (
    SELECT FROM todos c WHERE c.owner_id = $1 AND c.parent_id = t.id
) AS is_parent"""
LOCK_AND_LOAD_PARENTS = LOCK_AND_LOAD.replace("\nFROM (", f"{IS_PARENT}\nFROM (")
ONE_ID, MANY_IDS = "t.id = $2", "t.id = ANY($2)"
TIME_ZONE = "SELECT time_zone FROM users WHERE id = $1"
LOGGED_IDS = (
    "SELECT DISTINCT todo_id FROM changes WHERE owner_id = $1 AND todo_id = ANY($2::uuid[])"
)

# Checks of foreign keys reuse a plan. One from when the tables were nearly empty reads all of the owner's
# todos, with their dead versions, for each new row; so large writes have all plans made anew.
MAKE_PLANS_ANEW = "DISCARD PLANS"
MANY_CHANGES = 200
"""With so many changes, a write is better off with new plans, which take some milliseconds."""


class OwnerGone(Exception):
    """The account of an owner other than the actor is deleted, and all of its todos with it."""


async def _states(rows: Iterable[Row]) -> dict[UUID, TodoState]:
    time_slice = TimeSlice()
    states: dict[UUID, TodoState] = {}
    for row in rows:
        await time_slice.checkpoint()
        states[row["id"]] = TodoState.from_row(row)
    return states


class OwnerWrite:
    """An actor's transaction on an owner's todos, while it holds the owner's lock.

    Its clock has the time of the write, in the zone of the actor's profile.
    """

    def __init__(
        self,
        connection: Connection,
        clock: LocalClock,
        storage: Storage,
        seq: int,
        *,
        owner_id: UUID,
        actor_id: UUID,
    ) -> None:
        self.connection = connection
        self.owner_id = owner_id
        self.actor_id = actor_id
        self.clock = clock
        self.storage = storage
        self.discarded = False
        self.created_tags: dict[UUID, list[TagOfTodo]] = {}
        self.has_moved_reminders = False
        self.first_seq = seq + 1
        self.loaded: dict[UUID, TodoState] | None = None
        self.parents: AbstractSet[UUID] | None = None
        self._seq = seq
        self._first_id: str | None = None
        self._changes: list[Change] = []
        self._stored: dict[UUID, TodoState] = {}
        self._subtask_deltas: dict[UUID, SubtaskDelta] = {}

    async def load(self, ids: Iterable[UUID], *, trash: bool = False) -> dict[UUID, TodoState]:
        """The owner's todos with these ids; those in the trash only if asked for."""
        if self.loaded is not None:
            loaded, self.loaded = self.loaded, None
            return {id: todo for id, todo in loaded.items() if trash or todo.deleted_at is None}
        statement = todos_of(self.owner_id).where_one_of("t.id", list(ids))
        if not trash:
            statement.where("t.deleted_at IS NULL")
        text = statement.select((*TODO_COLUMNS, TAG_NAMES))
        return await _states(await self.connection.fetch(text, *statement.values))

    async def logged_ids(self, ids: Sequence[UUID]) -> AbstractSet[UUID]:
        """Those of the ids that the owner's log has, though the todo may be purged."""
        rows = await self.connection.fetch(LOGGED_IDS, self.owner_id, ids)
        return {row["todo_id"] for row in rows}

    @property
    def now(self) -> datetime:
        """The time of the write."""
        return self.clock.now

    @property
    def next_seq(self) -> int:
        """The number of the next change that is recorded."""
        return self._seq + len(self._changes) + 1

    @property
    def change_count(self) -> int:
        """How many changes this write has made, those included that `store` is yet to write."""
        return self.next_seq - self.first_seq

    @property
    def first_change(self) -> FirstChange | None:
        """The first change that is stored; None if there is none."""
        if self._first_id is None:
            return None
        return FirstChange(self.owner_id, self.first_seq, self._first_id)

    def change(self, before: TodoState, after: TodoState) -> TodoState:
        """Record a changed todo for `store`, with its new version; equal states are no change.

        A todo changes once between two calls of `store`.
        """
        entry = self.versioned(before, after)
        self.record([entry])
        return entry.after

    def versioned(self, before: TodoState, after: TodoState) -> Entry:
        """A change that may be recorded, with the todo's new version unless the states are equal."""
        if before != after:
            after = after._replace(version=before.version + 1, updated_at=self.now)
        return Entry(before, after)

    def record(self, entries: Iterable[Entry]) -> None:
        """Record changes with new versions for `store`, as `change` does."""
        self._changes += [entry for entry in entries if entry.before != entry.after]

    def log(
        self,
        kind: ChangeKind,
        entity_id: UUID,
        action: EntityAction,
        fields: Sequence[Mapping[str, object]],
        *,
        list_id: UUID | None,
    ) -> None:
        """Record a change of a list or a section for `store`, which writes its line of the log only.

        Each of `fields` has a `name`, as in the API, and a `before` and an `after`: texts, numbers,
        Booleans or null.
        """
        self._changes.append(EntityChange(kind, entity_id, list_id, action, fields))

    async def create(self, todos: Sequence[TodoState]) -> dict[UUID, TodoState]:
        """Insert those todos whose ids are free, since no todo has or had them, and return them.

        Those without a `position` get one. Tags, counts and log entries are stored too, and the
        todos' tags are in `created_tags`.
        """
        while todos:
            rows = WriteRows([Entry(None, todo) for todo in todos])
            first_id, (inserted, tags) = rows.first_id, await self._insert(rows)
            if len(inserted) == len(todos):
                self.created_tags = tags
                self._seq += len(inserted)
                self._first_id = self._first_id or first_id
                return inserted
            # The numbers of their changes, and with them their positions, follow from all of them.
            if inserted:
                await self.connection.execute(DELETE_INSERTED, self.owner_id, list(inserted))
            todos = [todo for todo in todos if todo.id in inserted]
        return {}

    async def _insert(
        self, rows: WriteRows
    ) -> tuple[dict[UUID, TodoState], dict[UUID, list[TagOfTodo]]]:
        """Insert todos, and return those that were free, with their tags if all were."""
        statement = create_statement(rows.parts)
        payload = await rows.payload(self.now, created=True, first_seq=self.first_seq)
        positions: dict[UUID, str] = {}
        tags: dict[UUID, list[TagOfTodo]] = {}
        for row in await self.connection.fetch(statement, self.owner_id, payload, self.actor_id):
            positions[row["todo_id"]] = row["position"]
            tags.setdefault(row["todo_id"], []).extend([row] if row["id"] else [])
        inserted = {
            todo.id: todo._replace(position=positions[todo.id])
            for _, todo in rows.entries
            if todo.id in positions
        }
        return inserted, tags

    async def store(self) -> None:
        """Write all recorded changes with their tags, counts and log entries.

        Writes of thousands of todos call it for some hundreds at a time.
        """
        if not self._changes:
            return
        if len(self._changes) >= MANY_CHANGES:
            await self.connection.execute(MAKE_PLANS_ANEW)
        rows = WriteRows(self._changes)
        statement = store_statement(rows.parts, todos=bool(rows.entries))
        payload = await rows.payload(self.now, created=False, first_seq=self.first_seq)
        await self.connection.execute(statement, self.owner_id, payload, self.actor_id)
        if rows.tags.removed:
            names = list({name for _, name in rows.tags.removed})
            await self.connection.execute(DELETE_UNUSED_TAGS, self.owner_id, names)
        await self._move_reminders(rows.entries)
        self._seq += len(self._changes)
        self._first_id = self._first_id or rows.first_id
        self._changes.clear()
        self._stored = {after.id: after for _, after in rows.entries}
        self._subtask_deltas = rows.subtasks

    async def _move_reminders(self, entries: Sequence[Entry]) -> None:
        """Have reminders follow the todos that now start or are due at another time."""
        dates = {
            after.id: after.dates
            for before, after in entries
            if before and DATES(before) != DATES(after)
        }
        if dates and await recompute_of_todos(self.connection, self.owner_id, dates, self.now):
            self.has_moved_reminders = True

    def stored(self, todo: TodoState) -> TodoState:
        """A todo as the last call of `store` wrote it, with its numbers of subtasks; or as it is."""
        if delta := self._subtask_deltas.get(todo.id):
            return delta.added_to(todo)
        return self._stored.get(todo.id, todo)

    async def tags_of(self, ids: Sequence[UUID]) -> list[list[TagOfTodo]]:
        """Each todo's tags as they are inside this transaction."""
        rows = await self.connection.fetch(TAGS_OF_TODOS, self.owner_id, ids)
        return tags_by_todo(rows, ids)

    def discard(self) -> None:
        """Roll back when the block ends."""
        self.discarded = True


def _owner_gone(owner_id: UUID, actor_id: UUID) -> Exception:
    return Unauthenticated() if owner_id == actor_id else OwnerGone()


class CreatedTodo(NamedTuple):
    """A todo as it was created, its tags, and its change."""

    todo: TodoState
    tags: list[TagOfTodo]
    change: FirstChange | None


async def create_in_one_message(
    todo: TodoState, quota: Quota, *, owner_id: UUID, actor_id: UUID
) -> CreatedTodo | None:
    """Create an owner's todo in a transaction that is a single message to PostgreSQL.

    Returns None, and stores nothing, if its id isn't free or the quota is exhausted.

    The statement takes the owner's lock, too, unless somebody else has it. Then another message
    executes it twice: the first execution waits for the lock, the second writes, with a snapshot taken
    after the lock. The times are PostgreSQL's. Callers are to be `retried`. Raises `Unauthenticated`
    if the actor's own account is deleted, `OwnerGone` if another owner's is, and `OutcomeUnknown` if
    the connection is lost.
    """
    rows = WriteRows([Entry(None, todo)])
    values = owner_id, await rows.payload(None, created=True, quota=quota), actor_id
    async with acquire() as connection:
        try:
            created = await connection.fetch(create_statement(rows.parts), *values)
            if not created:
                executions = [(owner_id, None, None), values]
                statement = create_statement(rows.parts, waits=True)
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
    change = FirstChange(owner_id, created[0]["seq"], rows.first_id)
    return CreatedTodo(todo, [row for row in created if row["id"]], change)


async def _lock(
    connection: Connection, owner_id: UUID, ids: Sequence[UUID], *, parents: bool
) -> tuple[Row | None, list[Row] | None]:
    """Lock an account, and read what a write begins with; None if the account is deleted.

    The todos with these ids are read with it unless others write to the owner's data at the time.
    """
    if ids:
        statement = LOCK_AND_LOAD_PARENTS if parents else LOCK_AND_LOAD
        parameter: object = ids[0]
        if len(ids) > 1:
            statement, parameter = statement.replace(ONE_ID, MANY_IDS), ids
        rows = await connection.fetch(statement, owner_id, parameter)
        if rows and rows[0]["is_current"]:
            return rows[0], rows
    return await connection.fetchrow(LOCK_AND_READ_OWNER, owner_id), None


@asynccontextmanager
async def owner_write(
    *, owner_id: UUID, actor_id: UUID, ids: Sequence[UUID] = (), parents: bool = False
) -> AsyncIterator[OwnerWrite]:
    """A transaction that holds the owner's lock; rolled back if discarded or on an error.

    The first call of `load` is to be for `ids`, if there are any: they are read in one message with the
    lock. With `parents`, `parents` of the write has those of them that have subtasks.

    Callers are to be `retried`. Raises `Unauthenticated` if the actor's own account is deleted,
    `OwnerGone` if another owner's is, and `OutcomeUnknown` if the connection is lost during the commit.
    """
    async with acquire() as connection:
        # asyncpg's Transaction, which knows savepoints, too, costs half a statement more.
        await connection.execute("BEGIN")
        try:
            row, loaded = await _lock(connection, owner_id, ids, parents=parents)
            if row is None:
                raise _owner_gone(owner_id, actor_id)
            storage = Storage(row["todos"], row["stored_bytes"])
            zone = row["time_zone"]
            if actor_id != owner_id:
                zone = await connection.fetchval(TIME_ZONE, actor_id)
            write = OwnerWrite(
                *(connection, LocalClock(row["now"], zone), storage, row["change_seq"]),
                owner_id=owner_id,
                actor_id=actor_id,
            )
            if loaded is not None:
                write.loaded = await _states(row for row in loaded if row["id"])
                if parents:
                    write.parents = {row["id"] for row in loaded if row["is_parent"]}
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
