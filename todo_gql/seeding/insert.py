"""Inserts realistic todos with their histories into an account, under the owner's lock."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from random import Random
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from todo_gql.database.connection import transaction
from todo_gql.database.models import Status, User
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import WRITTEN_COLUMNS, TodoState
from todo_gql.features.todos.storage import growth
from todo_gql.features.todos.write_sql import UPSERT_TAGS
from todo_gql.features.todos.writes import OwnerWrite, owner_write, tag_rows
from todo_gql.seeding.histories import todo_histories

# Large enough to be fast, and small enough that the owner's other writes wait a moment only.
BATCH = 2_500
PAST = timedelta(days=400)
NO_LIMITS = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
COUNT = """
UPDATE users SET change_seq = change_seq + $2,
    pending_count = pending_count + $3, in_progress_count = in_progress_count + $4,
    completed_count = completed_count + $5, cancelled_count = cancelled_count + $6,
    trash_count = trash_count + $7, stored_bytes = stored_bytes + $8, counted_seq = counted_seq + $2
WHERE id = $1 RETURNING change_seq - $2
"""
CHANGE_COLUMNS = ("id", "owner_id", "seq", "todo_id", "actor_id", "action", "diff", "at")
TODO_VALUES = itemgetter(*WRITTEN_COLUMNS)


async def seed_account(
    account: User, number: int, random: Random, report: Callable[[int], object]
) -> None:
    """Add so many todos with their histories to an account; `report` gets the size of each batch.

    Each batch is one transaction: the account is consistent, whatever interrupts this.
    """
    slices = _slices(account.id, number, datetime.now(UTC), random)
    batch = next(slices)
    while batch:
        # A thread generates the next batch while PostgreSQL stores this one.
        next_batch = asyncio.create_task(asyncio.to_thread(next, slices, []))
        async with owner_write(owner_id=account.id, actor_id=account.id) as write:
            await write.connection.execute(NO_LIMITS)
            await _store(write, batch)
        report(len(batch))
        batch = await next_batch
    await _analyze()


def _slices(
    owner_id: UUID, number: int, until: datetime, random: Random
) -> Iterator[list[list[Entry]]]:
    """The histories of all todos in batches, each of one slice of the time span."""
    since = until - PAST
    for first in range(0, number, BATCH):
        size = min(BATCH, number - first)
        begin, end = (since + PAST * (count / number) for count in (first, first + size))
        yield list(todo_histories(owner_id, size, begin, end, random))


async def _store(write: OwnerWrite, batch: Sequence[Sequence[Entry]]) -> None:
    """Store todos in their final state, and all their changes in chronological order."""
    todos = [history[-1].after for history in batch]
    await _copy(write, "todos", WRITTEN_COLUMNS, (TODO_VALUES(todo.as_row()) for todo in todos))
    await _store_tags(write, todos)
    entries = sorted((entry for history in batch for entry in history), key=_moment)
    statuses = Counter(todo.status for todo in todos if todo.deleted_at is None)
    counts = [*(statuses[status] for status in Status), len(todos) - statuses.total()]
    stored = sum(map(growth, entries))
    owner_id = write.owner_id
    seq: int = await write.connection.fetchval(COUNT, owner_id, len(entries), *counts, stored)
    changes = (
        (
            uuid7(),
            owner_id,
            seq_number,
            entry.after.id,
            write.actor_id,
            entry.action,
            entry.diff(),
            entry.after.updated_at,
        )
        for seq_number, entry in enumerate(entries, seq + 1)
    )
    await _copy(write, "changes", CHANGE_COLUMNS, changes)


def _moment(entry: Entry) -> datetime:
    return entry.after.updated_at


async def _store_tags(write: OwnerWrite, todos: Sequence[TodoState]) -> None:
    owner_id = write.owner_id
    # The tags of todos in the trash have rows, too, and don't count.
    counts = Counter({name: 0 for todo in todos for name in todo.tags})
    counts.update(name for todo in todos if todo.deleted_at is None for name in todo.tags)
    sent = orjson.dumps({"tags": tag_rows(counts)}).decode()
    rows = await write.connection.fetch(UPSERT_TAGS, owner_id, sent)
    ids = {row["name"]: row["id"] for row in rows}
    tagged = ((owner_id, todo.id, ids[name]) for todo in todos for name in todo.tags)
    await _copy(write, "todo_tags", ("owner_id", "todo_id", "tag_id"), tagged)


async def _copy(
    write: OwnerWrite, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    await write.connection.copy_records_to_table(table, columns=columns, records=rows)


async def _analyze() -> None:
    """Update the statistics of PostgreSQL's planner."""
    async with transaction() as connection:
        await connection.execute(NO_LIMITS)
        await connection.execute("ANALYZE users, todos, tags, todo_tags, changes")
