"""The job queue on pgqueuer: a job is enqueued in the same transaction as what causes it.

pgqueuer's tables belong to no owner. A payload holds ids, and for a password reset the address that
was asked for until the job is done; never a secret.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import JobId

from todo_gql.database.connection import Connection, acquire, fetch

MAX_ATTEMPTS = 8
"""How often a job is attempted before it becomes a dead letter."""

RETENTION_DAYS = 30
"""How long what became of a job is known."""

MAX_RETRY_DELAY = timedelta(hours=1)
SELECT_DEAD_LETTERS = (
    "SELECT * FROM pgqueuer WHERE status = 'failed' AND ($1::bigint[] IS NULL OR id = ANY($1))"
    " ORDER BY created DESC, id DESC LIMIT $2"
)
ROWS_AT_ONCE = 5_000
# Ids ascend with time, so no statement scans the rows that stay.
DELETE_OLDEST = """
DELETE FROM {0} WHERE id IN (
    SELECT id FROM (SELECT id, created FROM {0} WHERE {1} ORDER BY id LIMIT $2) oldest
    WHERE created < now() - make_interval(days => $1)) RETURNING 1
"""
DELETABLE = {"pgqueuer_log": "true", "pgqueuer_statistics": "true", "pgqueuer": "status = 'failed'"}
FAILURE_REASONS = (
    "SELECT DISTINCT ON (job_id) job_id, traceback ->> 'exception_message' AS reason"
    " FROM pgqueuer_log WHERE job_id = ANY($1) AND traceback IS NOT NULL"
    " ORDER BY job_id, created DESC"
)


class LinkExpired(Exception):
    """A job failed for good: no retry can succeed."""

    def __init__(self) -> None:
        super().__init__("its link expired before it could be sent")


@asynccontextmanager
async def _queries() -> AsyncIterator[Queries]:
    async with acquire() as connection:
        yield Queries.from_asyncpg_connection(connection)


async def enqueue(
    kind: str,
    key: str,
    payload: Mapping[str, str | UUID],
    *,
    good_until: datetime | None = None,
) -> None:
    """Enqueue a job of a kind, which runs once the surrounding transaction has committed, if there is one.

    While a job with the same key waits, another one is dropped. All attempts are made before
    `good_until`. Raises what asyncpg raises.
    """
    content = dict(payload) | ({"good_until": good_until} if good_until else {})
    async with _queries() as queries:
        await queries.enqueue(
            kind, orjson.dumps(content, default=str), dedupe_key=key, on_conflict="skip"
        )


class NewJob(NamedTuple):
    """A job to enqueue together with others of its kind; see `enqueue`."""

    key: str
    payload: Mapping[str, str | UUID]
    good_until: datetime | None = None


async def enqueue_within(connection: Connection, kind: str, new_jobs: Sequence[NewJob]) -> None:
    """As `enqueue_all`, in the transaction that is open on a connection of one's own."""
    await _enqueue_all(Queries.from_asyncpg_connection(connection), kind, new_jobs, 0)


async def enqueue_all(kind: str, new_jobs: Sequence[NewJob], *, priority: int = 0) -> None:
    """Enqueue jobs of a kind with one statement, each as `enqueue` does.

    Workers prefer jobs of a higher priority; that of others is 0. Raises what asyncpg raises.
    """
    async with _queries() as queries:
        await _enqueue_all(queries, kind, new_jobs, priority)


async def _enqueue_all(
    queries: Queries, kind: str, new_jobs: Sequence[NewJob], priority: int
) -> None:
    payloads = [
        dict(job.payload) | ({"good_until": job.good_until} if job.good_until else {})
        for job in new_jobs
    ]
    await queries.enqueue(
        [kind] * len(new_jobs),
        [orjson.dumps(payload, default=str) for payload in payloads],
        [priority] * len(new_jobs),
        dedupe_key=[job.key for job in new_jobs],
        on_conflict="skip",
    )


async def amend_payload(job: Job, **changes: str) -> None:
    """Add to the payload of a running job, for whoever runs it again; raises what `fetch` raises.

    That a job is done is stored a second later, so one whose worker is killed by then is run again.
    """
    payload = orjson.dumps(payload_of(job) | changes)
    await fetch("UPDATE pgqueuer SET payload = $2 WHERE id = $1", job.id, payload)


def payload_of(job: Job) -> dict[str, Any]:
    """The payload that `enqueue` was called with, and `good_until` if that was set."""
    payload: dict[str, Any] = orjson.loads(job.payload or b"{}")
    return payload


def time_left(job: Job) -> timedelta | None:
    """How long a job is still of use; negative once it has expired, None if it never does."""
    good_until = payload_of(job).get("good_until")
    return datetime.fromisoformat(good_until) - datetime.now(UTC) if good_until else None


def is_expired(job: Job) -> bool:
    """Whether a job is of no use any more."""
    left = time_left(job)
    return left is not None and left <= timedelta(0)


def retry_delay(failed_attempts: int, first_delay: timedelta, left: timedelta | None) -> timedelta:
    """How long a job that has just failed waits for its next attempt.

    Exponential backoff by a factor of 3, an hour at most, but short enough for all attempts that
    remain to be made in the time that is `left`.
    """
    factor: int = 3**failed_attempts
    delay = min(first_delay * factor, MAX_RETRY_DELAY)
    if left is not None:
        delay = min(delay, left / (MAX_ATTEMPTS - failed_attempts))
    return max(delay, timedelta(0))


async def dead_letters(
    ids: Sequence[int] | None = None, limit: int | None = None
) -> list[tuple[Job, str]]:
    """Jobs that failed for good, all or those of some ids, newest first, each with its last error."""
    rows = await fetch(SELECT_DEAD_LETTERS, ids, limit)
    jobs = [Job.model_validate(dict(row)) for row in rows]
    failures = await fetch(FAILURE_REASONS, [job.id for job in jobs])
    reasons = {row["job_id"]: row["reason"] for row in failures}
    return [(job, reasons.get(job.id, "")) for job in jobs]


async def requeue(ids: list[JobId]) -> None:
    """Move dead letters back into the queue, with their attempts counted from 0."""
    async with _queries() as queries:
        await queries.requeue_jobs(ids)


async def delete_old_records(days: int = RETENTION_DAYS) -> int:
    """Delete the queue's log and dead letters older than some days; the number of rows.

    A dead letter's payload may hold the address that a password reset was asked for.
    """
    deleted = 0
    for table, condition in DELETABLE.items():
        statement = DELETE_OLDEST.format(table, condition)
        while number := len(await fetch(statement, days, ROWS_AT_ONCE)):
            deleted += number
    return deleted
