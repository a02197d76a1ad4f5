"""The one write path: an owner's lock, and one statement for all that a write changes.

The owner is whose todos, counts and change log are written, and whose lock is held; the actor is who
does it, and is named in the log. Callers ask for a `refusal` where the actor may be a member. If the lock has to be waited
for, it is taken by a separate execution, so that what follows sees the previous holder's writes.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from todo_gql.api.errors import NotAllowedError, not_allowed
from todo_gql.api.list_roles import ROLES
from todo_gql.api.time_zones import LocalClock
from todo_gql.changelog.cursors import FirstChange
from todo_gql.database.connection import Row, acquire
from todo_gql.database.models import ChangeKind, EntityAction, ListRole
from todo_gql.features.todos.access import TODO_COLUMNS, todos_of
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.loaders import TagOfTodo
from todo_gql.features.todos.owners import OWNERS_OF_TODOS, check_owners
from todo_gql.features.todos.state import TodoState, read_states
from todo_gql.features.todos.storage import Storage
from todo_gql.features.todos.write_deltas import SubtaskDelta
from todo_gql.features.todos.write_locks import LOCK_OWNERS, lock_and_load, owner_gone, read_actor
from todo_gql.features.todos.write_rows import Change, EntityChange, WriteRows, moved_dates
from todo_gql.features.todos.write_sql import (
    DELETE_INSERTED,
    DELETE_UNUSED_TAGS,
    create_statement,
    store_statement,
)
from todo_gql.features.todos.write_transactions import NO_LISTS, WriteTransaction
from todo_gql.reminder_times.recompute import recompute_of_todos

# Checks of foreign keys reuse a plan. One from when the tables were nearly empty reads all of the owner's
# todos, with their dead versions, for each new row; so large writes have all plans made anew.
MAKE_PLANS_ANEW = "DISCARD PLANS"
MANY_CHANGES = 200
"""With so many changes, a write is better off with new plans, which take some milliseconds."""


class OwnerWrite:
    """An actor's transaction on an owner's todos, while it holds the owner's lock.

    Its clock has the time of the write, in the zone of the actor's profile.
    """

    def __init__(
        self,
        transaction: WriteTransaction,
        clock: LocalClock,
        storage: Storage,
        row: Row,
        *,
        owner_id: UUID,
        actor_id: UUID,
    ) -> None:
        self.transaction = transaction
        transaction.actor_id = actor_id
        self.connection = transaction.connection
        self.owner_id, self.actor_id = owner_id, actor_id
        self.is_of_owner = actor_id == owner_id
        self.clock = clock
        self.storage = storage
        self.discarded = False
        self.created_tags: dict[UUID, list[TagOfTodo]] = {}
        self.has_moved_reminders = False
        self.first_seq: int = row["change_seq"] + 1
        self.loaded: dict[UUID, TodoState] | None = None
        self.parents: AbstractSet[UUID] | None = None
        self.roles: Mapping[UUID, ListRole] | None = None
        self.has_members: bool = row["shared_list_count"] > 0
        self.is_member: bool = row["membership_count"] > 0
        self._seq: int = row["change_seq"]
        self._first_id: str | None = None
        self.departed = 0
        self._touched: set[UUID] = set()
        self._changes: list[Change] = []
        self._stored: dict[UUID, TodoState] = {}
        self._subtask_deltas: dict[UUID, SubtaskDelta] = {}

    async def load(self, ids: Iterable[UUID], *, trash: bool = False) -> dict[UUID, TodoState]:
        """The owner's todos with these ids that the actor sees; those in the trash only if asked for."""
        if self.loaded is not None:
            loaded, self.loaded = self.loaded, None
            return self._visible(loaded, trash=trash)
        statement = todos_of(self.owner_id).where_one_of("t.id", list(ids))
        if not trash:
            statement.where("t.deleted_at IS NULL")
        text = statement.select((*TODO_COLUMNS, TAG_NAMES))
        states = await read_states(await self.connection.fetch(text, *statement.values))
        return self._visible(states, trash=trash)

    def _visible(self, states: dict[UUID, TodoState], *, trash: bool) -> dict[UUID, TodoState]:
        return {
            id: todo
            for id, todo in states.items()
            if (trash or todo.deleted_at is None) and self.sees(todo.list_id)
        }

    async def load_named(
        self, ids: Sequence[UUID], *, trash: bool = False
    ) -> dict[UUID, TodoState]:
        """The same for ids that a client sent; `OwnerChanged` if todos have another owner by now."""
        states = await self.load(ids, trash=trash)
        if len(states) < len(ids):
            await self.check_owners(OWNERS_OF_TODOS, (id for id in ids if id not in states))
        return states

    async def check_owners(self, statement: str, ids: Iterable[UUID | None]) -> None:
        """Raise `OwnerChanged` if what wasn't loaded is there, and of an owner who isn't locked."""
        if self.roles is not None or self.is_member:
            owner_ids = self.transaction.writes
            missing = [id for id in ids if id]
            await check_owners(self.connection, statement, self.actor_id, missing, owner_ids)

    def sees(self, list_id: UUID | None) -> bool:
        """Whether the actor sees what is in a list of the owner's, or in the owner's inbox."""
        return self.roles is None or list_id in self.roles

    def refusal(
        self, list_id: UUID | None, *path: str, needed: ListRole = ListRole.EDITOR
    ) -> NotAllowedError | None:
        """The error if the actor's role in a list that they see is too little, at the path of its id."""
        if self.roles is None or (list_id and self.roles[list_id] >= needed):
            return None
        return not_allowed(ROLES[needed], *path)

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
        """How many changes this write has made, those included that `store` is yet to write.

        Without those of todos that another owner gets, who has them in a write of theirs.
        """
        return self.next_seq - self.first_seq - self.departed

    @property
    def first_change(self) -> FirstChange | None:
        """The first change that is stored; None if there is none.

        That of an actor who isn't the owner is in the actor's feed, and known after the commit.
        """
        if self._first_id is None:
            return None
        if self.is_of_owner:
            return FirstChange(self.owner_id, self.first_seq, self._first_id)
        number = self.transaction.recipients.number_of(self.owner_id, self.first_seq)
        return FirstChange(self.actor_id, number, self._first_id) if number else None

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
        todo_id: UUID | None = None,
        added_bytes: int = 0,
    ) -> None:
        """Record a change of anything but a todo for `store`, which writes its line of the log only.

        `list_id` and `todo_id` are what it belongs to, and `added_bytes` what the caller stores. Each of `fields` has a `name`, as in the API, and a
        `before` and an `after`: texts, numbers, Booleans or null.
        """
        self._changes.append(
            EntityChange(kind, entity_id, list_id, action, fields, todo_id, added_bytes)
        )

    def join(self, list_id: UUID, user_id: UUID) -> None:
        """Have somebody who joins a list in this write get its changes of the list, those before it, too.

        To be called before the first `store`, whether the row of `list_members` is inserted already or not.
        """
        self.has_members = True
        self.transaction.recipients.add(list_id, user_id)

    def leave(self, list_id: UUID, user_id: UUID) -> None:
        """Have somebody who leaves a list in this write get its changes of the list; as `join`."""
        self.join(list_id, user_id)

    async def lock_feeds(self, list_ids: Iterable[UUID | None] = ()) -> None:
        """Lock the feeds of who gets changes, if that isn't the owner alone: before the first is written.

        `store` and `create` do so. Callers that write changes otherwise pass the lists of these.
        """
        if self.has_members or self.is_member:
            self.touch(list_ids)
            await self.transaction.lock_feeds()

    def touch(self, list_ids: Iterable[UUID | None]) -> None:
        """Name lists whose changes only a later call of `store` or `create` writes, before the first one."""
        self._touched.update(id for id in list_ids if id)

    async def create(self, todos: Sequence[TodoState]) -> dict[UUID, TodoState]:
        """Insert those todos whose ids are free, since no todo has or had them, and return them.

        Those without a `position` get one. Tags, counts and log entries are stored too, and the
        todos' tags are in `created_tags`.
        """
        await self.lock_feeds(todo.list_id for todo in todos)
        while todos:
            rows = WriteRows([Entry(None, todo) for todo in todos])
            first_id, (inserted, tags) = rows.first_id, await self._insert(rows)
            if len(inserted) == len(todos):
                self.created_tags = tags
                self._note(rows)
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
        await self.lock_feeds()
        if len(self._changes) >= MANY_CHANGES:
            await self.connection.execute(MAKE_PLANS_ANEW)
        rows = WriteRows(self._changes)
        await self._write(rows, todos=bool(rows.entries))
        await self._move_reminders(rows.entries)
        self._changes.clear()
        self._stored = {after.id: after for _, after in rows.entries}
        self._subtask_deltas = rows.subtasks

    async def store_rows(self, rows: WriteRows) -> None:
        """Write the tags, counts and log entries of todos that the caller writes otherwise."""
        await self.lock_feeds()
        await self._write(rows, todos=False)

    async def _write(self, rows: WriteRows, *, todos: bool) -> None:
        statement = store_statement(rows.parts, todos=todos)
        payload = await rows.payload(self.now, created=False, first_seq=self.first_seq)
        await self.connection.execute(statement, self.owner_id, payload, self.actor_id)
        if rows.tags.removed:
            names = list({name for _, name in rows.tags.removed})
            await self.connection.execute(DELETE_UNUSED_TAGS, self.owner_id, names)
        self._note(rows)
        self._seq += len(rows.changes)
        self._first_id = self._first_id or rows.first_id

    def _note(self, rows: WriteRows) -> None:
        """Have the members of lists get changes that are stored, the next ones of the log."""
        if self.has_members:
            self.transaction.recipients.record(self.owner_id, self._seq + 1, rows.list_ids)

    def note_stored(self, list_id: UUID | None, number: int) -> None:
        """Count so many changes of a list that the caller has stored, after `lock_feeds`."""
        if self.has_members:
            recipients = self.transaction.recipients
            recipients.record_run(self.owner_id, self._seq + 1, number, (list_id,))
        self._seq += number

    @property
    def touched_lists(self) -> AbstractSet[UUID]:
        """The lists that changes belong to which are recorded or announced by `touch`; if any has members."""
        if not self.has_members:
            return NO_LISTS
        for change in self._changes:
            self.touch(change.list_ids)
        return self._touched

    def set_seq(self, seq: int) -> None:
        """Number the changes after the newest one of the owner's feed, which is locked."""
        self._seq, self.first_seq = seq, seq + 1

    async def _move_reminders(self, entries: Sequence[Entry]) -> None:
        """Have reminders follow the todos that now start or are due at another time."""
        dates = moved_dates(entries)
        if dates and await recompute_of_todos(self.connection, self.owner_id, dates, self.now):
            self.has_moved_reminders = True

    def stored(self, todo: TodoState) -> TodoState:
        """A todo as the last call of `store` wrote it, with its numbers of subtasks; or as it is."""
        if delta := self._subtask_deltas.get(todo.id):
            return delta.added_to(todo)
        return self._stored.get(todo.id, todo)

    def discard(self) -> None:
        """Roll back when the block ends."""
        self.discarded = True


@asynccontextmanager
async def owner_write(
    *, owner_id: UUID, actor_id: UUID, ids: Sequence[UUID] = (), parents: bool = False
) -> AsyncIterator[OwnerWrite]:
    """A transaction that holds the owner's lock; rolled back if discarded or on an error.

    The first call of `load` is to be for `ids`, if there are any: they are read in one message with the
    lock. With `parents`, `parents` of the write has those of them that have subtasks.

    Callers are to be `retried`. Raises `Unauthenticated` if the actor's own account is deleted,
    `OwnerChanged` if another owner's is, and `OutcomeUnknown` if the connection is lost during the commit.
    """
    async with acquire() as connection, WriteTransaction(connection) as transaction:
        yield await _begin(transaction, owner_id, actor_id, ids, parents=parents)


@asynccontextmanager
async def owner_writes(
    ids_by_owner: Mapping[UUID, Sequence[UUID]], *, actor_id: UUID, parents: bool = False
) -> AsyncIterator[dict[UUID, OwnerWrite]]:
    """A transaction that holds the locks of several owners, with an `owner_write` for each of them.

    If one of them is discarded, all are. Each one's first call of `load` is to be for its ids.
    """
    async with acquire() as connection, WriteTransaction(connection) as transaction:
        if len(ids_by_owner) > 1:
            await connection.execute(LOCK_OWNERS, list(ids_by_owner))
        yield {
            owner_id: await _begin(transaction, owner_id, actor_id, ids, parents=parents)
            for owner_id, ids in ids_by_owner.items()
        }


async def _begin(
    transaction: WriteTransaction,
    owner_id: UUID,
    actor_id: UUID,
    ids: Sequence[UUID],
    *,
    parents: bool,
) -> OwnerWrite:
    """Lock an owner, unless that is done, and begin a write to the owner's todos."""
    row, loaded = await lock_and_load(transaction.connection, owner_id, ids, parents=parents)
    if row is None:
        raise owner_gone(owner_id, actor_id)
    zone, roles = row["time_zone"], None
    if actor_id != owner_id:
        zone, roles = await read_actor(transaction.connection, actor_id, owner_id)
    clock = LocalClock(row["now"], zone)
    storage = Storage(row["todos"], row["stored_bytes"], is_own=roles is None)
    write = OwnerWrite(transaction, clock, storage, row, owner_id=owner_id, actor_id=actor_id)
    write.roles = roles
    if loaded is not None:
        write.loaded = await read_states(row for row in loaded if row["id"])
        if parents:
            write.parents = {row["id"] for row in loaded if row["is_parent"]}
    transaction.writes[owner_id] = write
    return write
