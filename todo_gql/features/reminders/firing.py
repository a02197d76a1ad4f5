"""Telling people of reminders whose moment has come: what any number of workers do side by side.

The clock is the database's. A batch is one transaction, so that a worker that is killed leaves its
reminders to the others, and the inbox takes each reminder once for each of its moments.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.database.connection import Connection, Row, fetchrow, transaction
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.inbox import wake_ups
from todo_gql.inbox.entries import Entry, enter
from todo_gql.observability.metrics import metrics

logger = logging.getLogger(__name__)

BATCH_SIZE: Final = 500
POLL_SECONDS: Final = 1.0
"""How often a worker looks for reminders that are due."""

QUIET_AFTER: Final = timedelta(hours=24)
"""A reminder that is later than this is in the inbox only."""

DONE, TRASHED, INVISIBLE = "done", "trashed", "invisible"
SKIP_REASONS: Final = (DONE, TRASHED, INVISIBLE)
LAG = """
SELECT extract(epoch FROM clock_timestamp() - min(fires_at))::float AS lag
FROM reminders WHERE fires_at <= clock_timestamp()
"""
# Whatever somebody else is writing is left for the next round: a todo that is just being completed, and an
# account that is just being deleted. Until the commit nobody completes a todo of the batch.
CLAIM = f"""
SELECT r.id, r.owner_id, r.person_id, r.todo_id, r.fires_at, t.status, t.deleted_at,
    r.fires_at < now() - $1::interval AS is_late
FROM reminders r
    JOIN todos t ON t.owner_id = r.owner_id AND t.id = r.todo_id
    JOIN users u ON u.id = r.person_id
WHERE r.fires_at <= now() ORDER BY r.fires_at LIMIT {BATCH_SIZE}
FOR UPDATE OF r SKIP LOCKED FOR SHARE OF t SKIP LOCKED FOR KEY SHARE OF u SKIP LOCKED
"""
END = """
UPDATE reminders SET fires_at = NULL, fired_at = CASE WHEN id = ANY($3) THEN fires_at ELSE fired_at END
WHERE owner_id = ANY($1) AND id = ANY($2)
"""


class Batch(NamedTuple):
    """The reminders that a transaction claimed: those that fired, and why each of the others didn't."""

    fired: Sequence[Row]
    skipped: Sequence[tuple[Row, str]]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.fired) + len(self.skipped)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Batch":
        """The claimed reminders in rows, by what becomes of them."""
        reasons = [(row, _skip_reason(row)) for row in rows]
        return cls(
            [row for row, reason in reasons if reason is None],
            [(row, reason) for row, reason in reasons if reason],
        )


async def fire_due_reminders() -> int:
    """Enter the reminders that are due into the inboxes, earliest first; returns how many were claimed.

    Between batches it rests for as long as one took, so that requests have their share of the database.
    """
    loop, claimed = asyncio.get_running_loop(), 0
    while await _measure_lag():
        started = loop.time()
        batch = await _fire_batch()
        if not batch.size:
            # The rest is locked by somebody, and looked for again in a moment.
            break
        claimed += batch.size
        _report(batch)
        await asyncio.sleep(loop.time() - started)
    return claimed


async def _measure_lag() -> bool:
    """Show how late the earliest reminder is; returns whether any is due."""
    row = await fetchrow(LAG)
    lag = row["lag"] if row else None
    metrics().reminders_lag.set(lag or 0)
    return lag is not None


async def _fire_batch() -> Batch:
    async with transaction() as connection:
        batch = Batch.of(await connection.fetch(CLAIM, QUIET_AFTER))
        if batch.size:
            await enter(connection, [_entry(row) for row in batch.fired])
            await _end(connection, batch)
    wake_ups.announce({row["person_id"] for row in batch.fired})
    return batch


async def _end(connection: Connection, batch: Batch) -> None:
    rows = [*batch.fired, *(row for row, _ in batch.skipped)]
    owners = {row["owner_id"] for row in rows}
    ids, fired = [row["id"] for row in rows], [row["id"] for row in batch.fired]
    await connection.execute(END, list(owners), ids, fired)


def _entry(row: Row) -> Entry:
    return Entry(
        owner_id=row["person_id"],
        kind=NotificationKind.REMINDER,
        source=f"{row['id']} {row['fires_at'].isoformat()}",
        actor_id=None,
        subject_kind=ChangeKind.TODO,
        subject_id=row["todo_id"],
        is_quiet=row["is_late"],
    )


def _skip_reason(row: Row) -> str | None:
    """Why nobody is told of a reminder; None if its person is."""
    if row["deleted_at"]:
        return TRASHED
    if row["status"] not in OPEN_STATUSES:
        return DONE
    return None if _is_visible(row["person_id"], row) else INVISIBLE


def _is_visible(person_id: UUID, row: Row) -> bool:
    """Whether a person may see the todo of a row."""
    return bool(person_id == row["owner_id"])


def _report(batch: Batch) -> None:
    late = sum(row["is_late"] for row in batch.fired)
    metrics().reminders_fired.inc(len(batch.fired))
    for reason, number in Counter(reason for _, reason in batch.skipped).items():
        metrics().reminders_skipped.labels(reason).inc(number)
    for row, reason in batch.skipped:
        logger.info(
            "a reminder isn't sent, since its todo is %s: %s",
            *(reason, row["id"]),
            extra={"reminder_id": str(row["id"]), "todo_id": str(row["todo_id"])},
        )
    if late:
        logger.warning("%d reminders are over 24 hours late, and in the inbox only", late)
