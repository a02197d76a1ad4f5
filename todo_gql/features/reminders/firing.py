"""Telling people of reminders whose moment has come: what any number of workers do side by side.

The clock is the database's. A batch is one transaction, so that a worker that is killed leaves its
reminders to the others, and the inbox takes each reminder once for each of its moments.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from todo_gql.database.connection import Connection, Row, fetchrow, transaction
from todo_gql.database.models import ChangeKind, NotificationKind
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.inbox import wake_ups
from todo_gql.inbox.entries import Entry, enter
from todo_gql.observability.metrics import metrics
from todo_gql.reminder_times.moments import DATE_COLUMNS, UNKNOWN, next_firing
from todo_gql.reminder_times.recompute import moment_of, move_reminders
from todo_gql.security.access import is_member

logger = logging.getLogger(__name__)

BATCH_SIZE: Final = 500
POLL_SECONDS: Final = 1.0
"""How often a worker looks for reminders that are due."""

QUIET_AFTER: Final = timedelta(hours=24)
"""A reminder that is later than this is in the inbox only."""

DONE, TRASHED, INVISIBLE = "done", "trashed", "invisible"
SKIP_REASONS: Final = (DONE, TRASHED, INVISIBLE)
# Whose moment isn't known any more isn't late.
LAG = """
SELECT EXISTS (SELECT FROM reminders WHERE fires_at <= clock_timestamp()) AS is_due, (
    SELECT extract(epoch FROM clock_timestamp() - min(fires_at))::float
    FROM reminders WHERE fires_at > '-infinity' AND fires_at <= clock_timestamp()
) AS lag
"""
# Whatever somebody else is writing is left for the next round: a todo that is just being completed, and an
# account that is just being deleted. Until the commit nobody completes a todo of the batch.
CLAIM = f"""
SELECT r.id, r.owner_id, r.person_id, r.todo_id, r.anchor, r.relative_offset, r.fires_at, r.fired_at,
    t.status, t.deleted_at, {", ".join(f"t.{name}" for name in DATE_COLUMNS)}, u.time_zone, now() AS now,
    r.person_id = r.owner_id OR {is_member("t.list_id", "r.person_id")} AS is_visible
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


class Firing(NamedTuple):
    """A reminder whose moment has come."""

    row: Row
    moment: datetime

    @property
    def is_late(self) -> bool:
        """Whether it is so late that it is in the inbox only."""
        return bool(self.moment < self.row["now"] - QUIET_AFTER)


class Batch(NamedTuple):
    """The reminders that a transaction claimed: those that fired, and why each of the others didn't.

    Some have another moment than the stored one, and perhaps one that lies ahead.
    """

    fired: Sequence[Firing]
    skipped: Sequence[tuple[Row, str]]
    moved: Sequence[tuple[Row, datetime | None]]
    size: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Batch":
        """The claimed reminders in rows, by what becomes of them."""
        planned = [(row, _moment(row)) for row in rows]
        come = [Firing(row, moment) for row, moment in planned if moment and moment <= row["now"]]
        reasons = [(firing, _skip_reason(firing.row)) for firing in come]
        return cls(
            [firing for firing, reason in reasons if reason is None],
            [(firing.row, reason) for firing, reason in reasons if reason],
            [(row, moment) for row, moment in planned if moment != row["fires_at"]],
            len(rows),
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
    return bool(row and row["is_due"])


async def _fire_batch() -> Batch:
    async with transaction() as connection:
        batch = Batch.of(await connection.fetch(CLAIM))
        if batch.size:
            moved = [(row["owner_id"], row["id"], moment) for row, moment in batch.moved]
            await move_reminders(connection, moved)
            await enter(connection, [_entry(firing) for firing in batch.fired])
            await _end(connection, batch)
    wake_ups.announce({firing.row["person_id"] for firing in batch.fired})
    return batch


async def _end(connection: Connection, batch: Batch) -> None:
    fired = [firing.row for firing in batch.fired]
    rows = [*fired, *(row for row, _ in batch.skipped)]
    owners = {row["owner_id"] for row in rows}
    fired_ids, ids = ([row["id"] for row in some] for some in (fired, rows))
    await connection.execute(END, list(owners), ids, fired_ids)


def _moment(row: Row) -> datetime | None:
    """When a reminder that is due by what is stored really fires; None if at no moment.

    What was computed by other dates, or by another database of time zones, is computed anew.
    """
    if row["anchor"] is None:
        stored: datetime = row["fires_at"]
        return stored
    moment = moment_of(row)
    if row["fires_at"] == UNKNOWN:
        return next_firing(moment, row["now"], fired_at=row["fired_at"])
    return moment if moment == row["fires_at"] or moment != row["fired_at"] else None


def _entry(firing: Firing) -> Entry:
    row = firing.row
    return Entry(
        owner_id=row["person_id"],
        kind=NotificationKind.REMINDER,
        source=f"{row['id']} {firing.moment.isoformat()}",
        actor_id=None,
        subject_kind=ChangeKind.TODO,
        subject_id=row["todo_id"],
        is_quiet=firing.is_late,
    )


def _skip_reason(row: Row) -> str | None:
    """Why nobody is told of a reminder; None if its person is."""
    if row["deleted_at"]:
        return TRASHED
    if row["status"] not in OPEN_STATUSES:
        return DONE
    return None if row["is_visible"] else INVISIBLE


def _report(batch: Batch) -> None:
    late = sum(firing.is_late for firing in batch.fired)
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
