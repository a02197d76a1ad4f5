"""Work for later: jobs on pgqueuer, which are there if and only if what causes them is.

pgqueuer's tables belong to no owner. A job holds ids, and until it is done the address that
somebody asked to reset a password for; no secret.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import JobId

from todo_gql.database.connection import acquire, fetch

TRIES = 8
"""How often a job is tried before it is set aside."""


LONGEST_WAIT = timedelta(hours=1)
FAILED = (
    "SELECT * FROM pgqueuer WHERE status = 'failed' AND ($1::bigint[] IS NULL OR id = ANY($1))"
    " ORDER BY created DESC, id DESC LIMIT $2"
)
ROWS_AT_ONCE = 5_000
# Ids are in the order of time, so that no statement looks through what is kept.
FORGET = """
DELETE FROM {0} WHERE id IN (
    SELECT id FROM (SELECT id, created FROM {0} WHERE {1} ORDER BY id LIMIT $2) oldest
    WHERE created < now() - make_interval(days => $1)) RETURNING 1
"""
FORGOTTEN = {"pgqueuer_log": "true", "pgqueuer_statistics": "true", "pgqueuer": "status = 'failed'"}
LAST_WORDS = (
    "SELECT DISTINCT ON (job_id) job_id, traceback ->> 'exception_message' AS reason"
    " FROM pgqueuer_log WHERE job_id = ANY($1) AND traceback IS NOT NULL"
    " ORDER BY job_id, created DESC"
)


class LinkExpired(Exception):
    """What no further try can mend."""

    def __init__(self) -> None:
        super().__init__("its link expired before it could be sent")


class Task(StrEnum):
    """What there is to do; the names stand in the queue."""

    SEND_MAIL = "send_mail"
    START_RESET = "start_reset"


@asynccontextmanager
async def _queries() -> AsyncIterator[Queries]:
    async with acquire() as connection:
        yield Queries.from_asyncpg_connection(connection)


async def enqueue(
    task: Task,
    key: str,
    payload: Mapping[str, str | UUID],
    *,
    good_until: datetime | None = None,
) -> None:
    """Have a task done once the surrounding transaction has committed, or at once without one.

    Of tasks with the same key only the first is kept while it waits. One that is good until then
    has all its tries before.
    """
    given = dict(payload) | ({"good_until": good_until} if good_until else {})
    async with _queries() as queries:
        await queries.enqueue(
            task, orjson.dumps(given, default=str), dedupe_key=key, on_conflict="skip"
        )


def payload_of(job: Job) -> dict[str, Any]:
    """What `enqueue` was given."""
    payload: dict[str, Any] = orjson.loads(job.payload or b"{}")
    return payload


def time_left(job: Job) -> timedelta | None:
    """For how long doing a job is of use yet; None if it always is."""
    good_until = payload_of(job).get("good_until")
    return datetime.fromisoformat(good_until) - datetime.now(UTC) if good_until else None


def is_too_late(job: Job) -> bool:
    """Whether doing a job is of no use any more."""
    left = time_left(job)
    return left is not None and left <= timedelta(0)


def wait_after(earlier_tries: int, first_wait: timedelta, left: timedelta | None) -> timedelta:
    """How long a job that has just failed waits for its next try.

    Three times as long each time and an hour at most, but never so long that the job couldn't have
    all its tries in the time that is left.
    """
    factor: int = 3**earlier_tries
    wait = min(first_wait * factor, LONGEST_WAIT)
    if left is not None:
        wait = min(wait, left / (TRIES - earlier_tries))
    return max(wait, timedelta(0))


async def set_aside(
    ids: Sequence[int] | None = None, limit: int | None = None
) -> list[tuple[Job, str]]:
    """The jobs that were set aside, or those of some ids, the newest first, and why."""
    rows = await fetch(FAILED, ids, limit)
    jobs = [Job.model_validate(dict(row)) for row in rows]
    words = await fetch(LAST_WORDS, [job.id for job in jobs])
    reasons = {row["job_id"]: row["reason"] for row in words}
    return [(job, reasons.get(job.id, "")) for job in jobs]


async def try_again(ids: list[JobId]) -> None:
    """Put jobs that were set aside back into the queue, with all their tries before them."""
    async with _queries() as queries:
        await queries.requeue_jobs(ids)


async def forget_what_is_over(days: int) -> int:
    """Delete what the queue notes of jobs that ended so long ago, and those that failed; how many.

    A job that failed may hold the address that somebody asked to reset a password for.
    """
    forgotten = 0
    for table, which in FORGOTTEN.items():
        forget = FORGET.format(table, which)
        while number := len(await fetch(forget, days, ROWS_AT_ONCE)):
            forgotten += number
    return forgotten
