"""Inserts realistic todos with their histories into an account, under the owner's lock."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.order_keys import position_key
from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import transaction
from todo_gql.database.models import User
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.occurrences import set_series
from todo_gql.features.todos.reminders import add_reminders
from todo_gql.features.todos.state import WRITTEN_COLUMNS, TodoState
from todo_gql.features.todos.storage import growth
from todo_gql.features.todos.write_rows import WriteRows
from todo_gql.features.todos.write_sql import store_statement
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.seeding.histories import History, Placements, todo_histories
from todo_gql.seeding.lists import archive_lists, create_lists

# Large enough to be fast, and small enough that the owner's other writes wait a moment only.
BATCH = 2_500
PAST = timedelta(days=400)
NO_LIMITS = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
# fmt: off
CHANGE_COLUMNS = (
    "id", "owner_id", "seq", "todo_id", "actor_id", "action", "diff", "at", "list_id", "first_seq",
)
# fmt: on
TODO_VALUES = attrgetter(*WRITTEN_COLUMNS)


async def seed_account(
    account: User, number: int, random: Random, report: Callable[[int], object]
) -> None:
    """Add so many todos with their histories to an account; `report` gets the size of each batch.

    Those of the lists that the account hasn't yet are created first, and some archived at last.

    Each batch is one transaction: the account is consistent, whatever interrupts this.
    """
    until = datetime.now(UTC)
    since = until - PAST
    async with owner_write(owner_id=account.id, actor_id=account.id) as write:
        clock = LocalClock(until, write.clock.zone_name)
        placements = await create_lists(write, since, number)
    slices = _slices(account.id, number, since, clock, random, placements)
    batch = next(slices)
    while batch:
        # A thread generates the next batch while PostgreSQL stores this one.
        next_batch = asyncio.create_task(asyncio.to_thread(next, slices, []))
        async with owner_write(owner_id=account.id, actor_id=account.id) as write:
            await write.connection.execute(NO_LIMITS)
            await _store(write, batch)
        report(len(batch))
        batch = await next_batch
    async with owner_write(owner_id=account.id, actor_id=account.id) as write:
        await archive_lists(write)
    await _analyze()


def _slices(
    owner_id: UUID,
    number: int,
    since: datetime,
    until: LocalClock,
    random: Random,
    placements: Placements,
) -> Iterator[list[History]]:
    """The histories of all todos in batches, each of one slice of the time span."""
    span = until.now - since
    for first in range(0, number, BATCH):
        size = min(BATCH, number - first)
        begin, end = (since + span * (count / number) for count in (first, first + size))
        is_latest = first + size == number
        histories = todo_histories(
            *(owner_id, size, begin, LocalClock(end, until.zone_name), random, placements),
            is_latest=is_latest,
        )
        yield list(histories)


async def _store(write: OwnerWrite, batch: Sequence[History]) -> None:
    """Store todos in their final state, and all their changes in chronological order."""
    entries = sorted((entry for history in batch for entry in history.entries), key=_moment)
    await write.lock_feeds(entry.after.list_id for entry in entries)
    numbers = {
        entry.after.id: seq for seq, entry in enumerate(entries, write.next_seq) if not entry.before
    }
    rows = WriteRows([Entry(None, _positioned(history.last, numbers)) for history in batch])
    todos = (TODO_VALUES(entry.after) for entry in rows.entries)
    await _copy(write, "todos", WRITTEN_COLUMNS, todos)
    copies = {history.last.id: history.copy_of for history in batch if history.copy_of}
    owner_id = write.owner_id
    changes = (
        (
            uuid7(),
            owner_id,
            seq,
            entry.after.id,
            write.actor_id,
            entry.action,
            entry.logged.diff.decode(),
            entry.after.updated_at,
            entry.after.list_id,
            # A copy is created by the mutation that completed the occurrence, right after that.
            seq - 1 if entry.after.id in copies else seq,
        )
        for seq, entry in enumerate(entries, write.next_seq)
    )
    await _copy(write, "changes", CHANGE_COLUMNS, changes)
    await set_series(write, copies)
    statement = store_statement(rows.parts, todos=False)
    counts = rows.counts_payload(len(entries), sum(map(growth, entries)))
    await write.connection.execute(statement, owner_id, counts, write.actor_id)
    for entry in entries:
        write.note_stored(entry.after.list_id, 1)
    await add_reminders(write, ((history.last, history.reminders) for history in batch))


def _positioned(todo: TodoState, numbers: Mapping[UUID, int]) -> TodoState:
    """A todo behind all that were created before, as the API creates it."""
    return todo._replace(position=position_key(numbers[todo.id]))


def _moment(entry: Entry) -> datetime:
    return entry.after.updated_at


async def _copy(
    write: OwnerWrite, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    await write.connection.copy_records_to_table(table, columns=columns, records=rows)


async def _analyze() -> None:
    """Update the statistics of PostgreSQL's planner."""
    async with transaction() as connection:
        await connection.execute(NO_LIMITS)
        await connection.execute(
            "ANALYZE users, feeds, lists, sections, todos, tags, todo_tags, changes, reminders"
        )
