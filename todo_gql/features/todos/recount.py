"""Recounts accounts whose counts are out of date, and deletes counts of 0.

Those are accounts older than the counts, and accounts that the previous release has written to. They
are counted without the owner's lock, which is held only while what was wrong is corrected.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.database.connection import Connection, acquire, affected_rows
from todo_gql.database.owner_batches import owner_transaction, owners_where, purge_in_batches
from todo_gql.features.todos.recount_sql import (
    APPLY_TO_FEED,
    CORRECTIONS,
    FIND_IN_FEED,
    UNCOUNTED,
    Correction,
)
from todo_gql.features.todos.trash import DELETE_UNCOUNTED_TAGS

logger = logging.getLogger(__name__)

# Counting a large account takes longer than a request may.
NO_LIMITS = "SET LOCAL statement_timeout = 0"
MAX_ATTEMPTS = 3
IS_UNCOUNTED = """
$3::int = 0 AND EXISTS (SELECT FROM feeds f WHERE f.owner_id = u.id AND f.counted_seq <> f.seq)
"""
IS_EMPTY: Final = {
    "list_tags": "c.todo_count = 0",
    "due_counts": "c.open_count = 0 AND c.closed_count = 0",
}
"""Which rows are as good as none."""
EMPTY_BATCH = 1_000
HAS_EMPTY = "$3::int = 0 AND ({})".format(
    " OR ".join(
        f"EXISTS (SELECT FROM {table} c WHERE c.owner_id = u.id AND {is_empty})"
        for table, is_empty in IS_EMPTY.items()
    )
)
DELETE_EMPTY: Final = [
    f"""
    DELETE FROM {table} WHERE owner_id = $1 AND id = ANY(ARRAY(
        SELECT c.id FROM {table} c WHERE c.owner_id = $1 AND {is_empty} LIMIT $2
    ))
    """
    for table, is_empty in IS_EMPTY.items()
]


class WrongCounts(NamedTuple):
    """What was wrong in an owner's counts at one moment, each row as JSON.

    `uncounted` is the number that the previous release's writes raise.
    """

    uncounted: int
    feed: str
    rows: list[tuple[Correction, list[str]]]

    def batches(self) -> Iterator[tuple[str, str]]:
        """The statements to execute, each with its JSON."""
        for correction, rows in self.rows:
            for start in range(0, len(rows), correction.batch_size):
                batch = rows[start : start + correction.batch_size]
                yield correction.apply, f"[{','.join(batch)}]"
        yield APPLY_TO_FEED, self.feed


async def recount_accounts() -> int:
    """Recount the accounts with outdated counts; returns their number.

    An account that can't be counted is logged; the others are still counted.
    """
    counted = 0
    async for owner_id in owners_where(IS_UNCOUNTED, 0):
        try:
            counted += await recount(owner_id)
        except Exception:
            logger.exception("an account can't be counted", extra={"owner_id": str(owner_id)})
    return counted


async def recount(owner_id: UUID) -> bool:
    """Count everything of an owner anew.

    False if the account is deleted, or if the previous release wrote to it during each attempt.
    """
    for _ in range(MAX_ATTEMPTS):
        wrong = await find_wrong_counts(owner_id)
        if wrong is None:
            return False
        if await correct_counts(owner_id, wrong):
            return True
    return False


async def find_wrong_counts(owner_id: UUID) -> WrongCounts | None:
    """Compare all counts of an owner with what there is; None if the account is deleted."""
    async with _snapshot() as connection:
        uncounted = await connection.fetchval(UNCOUNTED, owner_id)
        if uncounted is None:
            return None
        rows = [(one, await _as_json(connection, one.find, owner_id)) for one in CORRECTIONS]
        [feed] = await _as_json(connection, FIND_IN_FEED, owner_id)
        return WrongCounts(uncounted, feed, rows)


async def correct_counts(owner_id: UUID, wrong: WrongCounts) -> bool:
    """Correct an owner's counts, each batch under the owner's lock.

    False if the previous release has written since they were compared: it doesn't count what it changes,
    so that nobody knows how much is wrong now. What was corrected before is right nevertheless.
    """
    for statement, rows in wrong.batches():
        async with owner_transaction(owner_id) as connection:
            if await connection.fetchval(UNCOUNTED, owner_id) != wrong.uncounted:
                return False
            await connection.execute(statement, owner_id, rows)
    # A purge leaves a tag that nothing carries any more, if its count was wrong.
    async with owner_transaction(owner_id) as connection:
        await connection.execute(DELETE_UNCOUNTED_TAGS, owner_id)
    return True


@asynccontextmanager
async def _snapshot() -> AsyncIterator[Connection]:
    """A transaction whose statements all see the same state of the database."""
    async with (
        acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(NO_LIMITS)
        yield connection


async def _as_json(connection: Connection, select: str, owner_id: UUID) -> list[str]:
    rows = await connection.fetch(f"SELECT to_jsonb(d)::text AS row FROM ({select}) d", owner_id)
    return [row["row"] for row in rows]


async def delete_empty_counts() -> int:
    """Delete the counts of days and of tags in lists that are 0; returns their number."""
    return await purge_in_batches(HAS_EMPTY, 0, _delete_empty)


async def _delete_empty(connection: Connection, owner_id: UUID, _days: int) -> int:
    statuses = [
        await connection.execute(statement, owner_id, EMPTY_BATCH) for statement in DELETE_EMPTY
    ]
    return sum(map(affected_rows, statuses))
