"""Creating, starting, cancelling and deleting jobs, under the lock of their owner."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

from tortoise.transactions import in_transaction

from todo_gql.api.errors import ErrorCode
from todo_gql.api.text import Problem
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.models import JobState, TransferKind
from todo_gql.database.owner_batches import lock_owner, owners_where
from todo_gql.database.retry import retried
from todo_gql.features.transfers.access import ENDED_STATES, JOB_COLUMNS
from todo_gql.features.transfers.watchers import announce
from todo_gql.jobs.queue import NewJob, enqueue_all

RUN_IMPORT: Final = "run_import"
RUN_EXPORT: Final = "run_export"
MAX_RUNNING: Final = 4
"""How many jobs of a kind run at once, in all workers together."""

PRIORITY: Final = -1
"""Jobs of people wait for the queue's other jobs, such as mails."""

MAX_JOBS: Final = 20
"""Jobs of an account; the oldest that has ended makes room for another one."""

RETENTION: Final = timedelta(days=7)
"""How long a job and its file stay after it was asked for."""

MAX_RUN_TIME: Final = timedelta(days=1)
RUNS: Final = {TransferKind.IMPORT: RUN_IMPORT, TransferKind.EXPORT: RUN_EXPORT}
COLUMNS: Final = ", ".join(JOB_COLUMNS)
ENDED: Final = ", ".join(str(state.value) for state in sorted(ENDED_STATES))
# A job that nobody has started may wait for its file; one that runs, or waits for its turn, is active.
IS_ACTIVE: Final = f"(j.started_at IS NOT NULL AND j.state NOT IN ({ENDED}))"

# Of all statements here `$1` is the owner.
OTHERS: Final = f"""
SELECT count(*) AS number, count(*) FILTER (WHERE {IS_ACTIVE} AND j.id IS DISTINCT FROM $2) AS active
FROM transfer_jobs j WHERE j.owner_id = $1
"""
DELETE_OLDEST: Final = f"""
DELETE FROM transfer_jobs j WHERE j.owner_id = $1 AND j.id IN (
    SELECT o.id FROM transfer_jobs o WHERE o.owner_id = $1 AND (o.state IN ({ENDED}) OR o.started_at IS NULL)
    ORDER BY o.created_at, o.id LIMIT $2)
"""
STORED: Final = f"SELECT {COLUMNS} FROM transfer_jobs j WHERE j.owner_id = $1 AND j.id = $2"
CREATE: Final = f"""
INSERT INTO transfer_jobs AS j (id, owner_id, kind, state, format, input, counts, done, file_size, sha256,
    created_at, expires_at)
VALUES ($2, $1, $3, {JobState.WAITING.value}, $4, $5, '{{}}', 0, $6, $7, now(), now() + $8::interval)
RETURNING {COLUMNS}
"""
START: Final = f"""
UPDATE transfer_jobs j SET state = {JobState.WAITING.value}, started_at = clock_timestamp(),
    finished_at = NULL, done = 0, total = NULL, counts = '{{}}', error = NULL, is_cancelled = false,
    is_trial = $3
WHERE j.owner_id = $1 AND j.id = $2 RETURNING {COLUMNS}
"""
DELETE_PROBLEMS: Final = "DELETE FROM import_problems WHERE owner_id = $1 AND job_id = $2"
# It ends at once, since whatever ran it may be gone. A worker that runs it learns of it at its next step,
# and writes nothing more.
CANCEL: Final = f"""
UPDATE transfer_jobs j SET is_cancelled = j.is_cancelled OR j.state NOT IN ({ENDED}),
    state = CASE WHEN j.state IN ({ENDED}) THEN j.state ELSE {JobState.CANCELLED.value} END,
    finished_at = CASE WHEN j.state IN ({ENDED}) THEN j.finished_at ELSE now() END
WHERE j.owner_id = $1 AND j.id = $2 RETURNING j.id
"""
DELETE_EXPIRED: Final = f"""
DELETE FROM transfer_jobs j WHERE j.owner_id = $1 AND j.expires_at < now() AND NOT {IS_ACTIVE} RETURNING 1
"""
# No worker goes on with what the queue gave up long ago.
FAIL_ABANDONED: Final = f"""
UPDATE transfer_jobs j SET state = {JobState.FAILED.value}, finished_at = now(), error = $2
WHERE j.owner_id = $1 AND {IS_ACTIVE} AND j.started_at < now() - $3::interval RETURNING 1
"""
ABANDONED: Final = "No worker has gone on with it for a day."
HAS_EXPIRED: Final = (
    "$3::int IS NOT NULL AND EXISTS (SELECT FROM transfer_jobs j WHERE j.owner_id = u.id"
    f" AND (j.expires_at < now() OR {IS_ACTIVE} AND j.started_at < now() - interval '1 day'))"
)


@asynccontextmanager
async def locked_jobs(owner_id: UUID) -> AsyncIterator[None]:
    """A transaction of Tortoise's that holds the owner's lock, so that jobs can be enqueued in it."""
    async with in_transaction():
        await fetch(lock_owner("id"), owner_id)
        yield


async def create_job(
    owner_id: UUID,
    job_id: UUID,
    kind: TransferKind,
    *,
    input: str,
    format: int | None = None,
    size: int | None = None,
    sha256: bytes | None = None,
) -> Row | Problem:
    """Create a job, which waits, in a transaction of `locked_jobs`; or why there is no room for it.

    `input` is JSON. Where an account has as many as it may, the oldest that doesn't run is deleted.
    """
    row = await fetchrow(OTHERS, owner_id, None)
    assert row is not None
    if row["active"] >= MAX_JOBS:
        return ErrorCode.TOO_MANY, f"{MAX_JOBS} of your jobs wait or run: let one end first."
    if row["number"] >= MAX_JOBS:
        await fetch(DELETE_OLDEST, owner_id, row["number"] - MAX_JOBS + 1)
    values = (job_id, kind.value, format, input, size, sha256, RETENTION)
    created = await fetchrow(CREATE, owner_id, *values)
    assert created is not None
    return created


async def start_job(row: Row, *, is_trial: bool = False, is_queued: bool = True) -> Row | Problem:
    """Start a job from its beginning, in a transaction of `locked_jobs`; or why it can't be.

    A worker runs it, unless it isn't queued since the caller does. One job of a person is run at a time, so
    that others get their turns. Call `announce` after the commit.
    """
    owner_id, job_id = row["owner_id"], row["id"]
    others = await fetchrow(OTHERS, owner_id, job_id)
    assert others is not None
    if row["started_at"] and row["state"] not in ENDED_STATES:
        return ErrorCode.INVALID, "It waits or runs already."
    if others["active"]:
        message = "Another of your jobs waits or runs: let it end, or cancel it first."
        return ErrorCode.TOO_MANY, message
    await fetch(DELETE_PROBLEMS, owner_id, job_id)
    started = await fetchrow(START, owner_id, job_id, is_trial)
    assert started is not None
    if is_queued:
        begun_at = started["started_at"].isoformat()
        payload = {"owner": owner_id, "job": job_id, "started_at": begun_at}
        new = NewJob(f"{job_id} {begun_at}", payload)
        await enqueue_all(RUNS[TransferKind(row["kind"])], [new], priority=PRIORITY)
    return started


@retried
async def cancel_job(owner_id: UUID, job_id: UUID) -> bool:
    """Cancel a job, which changes nothing if it has ended; False if the owner has none with this id."""
    async with locked_jobs(owner_id):
        is_there = await fetchrow(CANCEL, owner_id, job_id) is not None
    announce(job_id)
    return is_there


async def stored_job(owner_id: UUID, job_id: UUID | None) -> Row | None:
    """A person's job; None if there is none with this id."""
    return await fetchrow(STORED, owner_id, job_id) if job_id else None


async def delete_expired_jobs() -> int:
    """Delete the jobs whose time is over, with their reports and files; their number.

    Those that no worker has gone on with for a day are FAILED.
    """
    deleted = 0
    async for owner_id in owners_where(HAS_EXPIRED, 0):
        await fetch(FAIL_ABANDONED, owner_id, ABANDONED, MAX_RUN_TIME)
        deleted += len(await fetch(DELETE_EXPIRED, owner_id))
    return deleted
