"""Work for later: jobs on pgqueuer, which are there if and only if what causes them is.

pgqueuer's tables belong to no owner. A job holds ids, and until it is done the address that
somebody asked to reset a password for; no secret.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job
from pgqueuer.domain.types import JobId

from todo_gql import db

TRIES = 8
"""How often a job is tried before it is set aside."""


LAST_WORDS = (
    "SELECT DISTINCT ON (job_id) job_id, traceback ->> 'exception_message' AS reason"
    " FROM pgqueuer_log WHERE job_id = ANY($1) AND traceback IS NOT NULL"
    " ORDER BY job_id, created DESC"
)


class Task(StrEnum):
    """What there is to do; the names stand in the queue."""

    SEND_MAIL = "send_mail"
    START_RESET = "start_reset"


@asynccontextmanager
async def _queries() -> AsyncIterator[Queries]:
    async with db.connection() as connection:
        # The pool's proxy has all methods of a connection.
        yield Queries.from_asyncpg_connection(cast("asyncpg.Connection[db.Row]", connection))


async def enqueue(task: Task, key: str, payload: Mapping[str, str | UUID]) -> None:
    """Have a task done once the surrounding transaction has committed, or at once without one.

    Of tasks with the same key only the first is kept while it waits.
    """
    async with _queries() as queries:
        await queries.enqueue(
            task, orjson.dumps(payload, default=str), dedupe_key=key, on_conflict="skip"
        )


def payload_of(job: Job) -> dict[str, Any]:
    """What `enqueue` was given."""
    payload: dict[str, Any] = orjson.loads(job.payload or b"{}")
    return payload


async def set_aside(limit: int = 1_000) -> list[tuple[Job, str]]:
    """The jobs that failed eight times, the newest first, and what went wrong the last time."""
    async with _queries() as queries:
        jobs = await queries.list_failed_jobs(limit)
    rows = await db.fetch(LAST_WORDS, [job.id for job in jobs])
    reasons = {row["job_id"]: row["reason"] for row in rows}
    return [(job, reasons.get(job.id, "")) for job in jobs]


async def try_again(ids: list[JobId]) -> None:
    """Put jobs that were set aside back into the queue, with all their tries before them."""
    async with _queries() as queries:
        await queries.requeue_jobs(ids)


async def forget_finished(days: int) -> None:
    """Delete what the queue noted of jobs that ended so long ago."""
    for table in ("pgqueuer_log", "pgqueuer_statistics"):
        await db.fetch(
            f"DELETE FROM {table} WHERE created < now() - make_interval(days => $1)", days
        )
