"""Running jobs: what a worker does with a job of the queue that stands for an import or export.

A kind of job is run by a function that takes a `Run`. It does its work in steps, each of which ends with
`advance`: in the transaction of what the step writes, if it writes anything. A worker that is killed leaves
the job as the last step left it, and another one goes on from `done`; a worker that only seemed to be gone
writes nothing more, since `done` isn't any more what it left. So a step that is committed is done once.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

import orjson
from pgqueuer.domain.models import Job as QueuedJob

from todo_gql.api.errors import is_temporary
from todo_gql.database.connection import Connection, Row, fetchrow
from todo_gql.database.models import JobState, NotificationKind
from todo_gql.database.owner_batches import owner_transaction
from todo_gql.database.retry import retried
from todo_gql.features.transfers.access import JOB_COLUMNS
from todo_gql.features.transfers.watchers import announce
from todo_gql.inbox import wake_ups
from todo_gql.inbox.entries import Entry, enter
from todo_gql.inbox.job_events import JobEvent, source_of
from todo_gql.jobs.queue import MAX_ATTEMPTS, payload_of

logger = logging.getLogger(__name__)

UNEXPECTED: Final = "An unexpected error occurred in the server. What was done by then stays."
UNREACHABLE: Final = "The database or the store of files couldn't be reached for too long."

# Of all statements here `$1` is the owner, `$2` the job, and `$3` when its run was asked for, which tells
# the runs of one job apart.
OF_RUN: Final = "j.owner_id = $1 AND j.id = $2 AND j.started_at = $3"
CLAIM: Final = f"""
UPDATE transfer_jobs j SET state = {JobState.RUNNING.value}
WHERE {OF_RUN} AND j.state IN ({JobState.WAITING.value}, {JobState.RUNNING.value})
RETURNING {", ".join(JOB_COLUMNS)}
"""
ADVANCE: Final = f"""
UPDATE transfer_jobs j SET done = $5, total = coalesce($6, j.total), counts = coalesce($7::jsonb, j.counts)
WHERE {OF_RUN} AND j.state = {JobState.RUNNING.value} AND j.done = $4 AND NOT j.is_cancelled RETURNING j.id
"""
IS_CANCELLED: Final = f"SELECT j.id FROM transfer_jobs j WHERE {OF_RUN} AND j.is_cancelled"
END: Final = f"""
UPDATE transfer_jobs j SET state = $4, error = $5, finished_at = now()
WHERE {OF_RUN} AND j.state IN ({JobState.WAITING.value}, {JobState.RUNNING.value}) RETURNING j.id
"""


class JobFailed(Exception):
    """A job can't go on, and no retry would change that; the message says why, for its owner."""


class JobCancelled(Exception):
    """Its owner has cancelled the job."""


class RunLost(Exception):
    """The job isn't this worker's any more: another one runs it, or it was started anew, or is gone."""


@dataclass
class Run:
    """A run of a job while a worker is at it; `done` is how far it is, as the database has it."""

    row: Row
    done: int

    @classmethod
    def of_row(cls, row: Row) -> Self:
        """The run of the job in a row."""
        return cls(row, row["done"])

    @property
    def owner_id(self) -> UUID:
        """Whose job it is."""
        owner_id: UUID = self.row["owner_id"]
        return owner_id

    @property
    def job_id(self) -> UUID:
        """The job's id."""
        job_id: UUID = self.row["id"]
        return job_id

    @property
    def key(self) -> tuple[UUID, UUID, datetime]:
        """The first values of the statements about a run."""
        return self.owner_id, self.job_id, self.row["started_at"]

    @property
    def input(self) -> dict[str, Any]:
        """What the job was asked for."""
        read: dict[str, Any] = orjson.loads(self.row["input"])
        return read

    async def advance(
        self,
        done: int,
        *,
        total: int | None = None,
        counts: Mapping[str, int] | None = None,
        connection: "Connection | None" = None,
    ) -> None:
        """Note how far the job is; with a connection, in its transaction, after whose commit `announce` is due.

        Raises `JobCancelled` and `RunLost`, so that the transaction is rolled back, and what asyncpg raises.
        """
        values = (
            *self.key,
            self.done,
            done,
            total,
            orjson.dumps(counts).decode() if counts is not None else None,
        )
        query = connection.fetchrow if connection else fetchrow
        if await query(ADVANCE, *values) is None:
            raise JobCancelled if await query(IS_CANCELLED, *self.key) else RunLost
        if connection is None:
            self.note(done)

    def note(self, done: int) -> None:
        """Go on from here, once the transaction of `advance` is committed, and wake subscribers."""
        self.done = done
        announce(self.job_id)


RunJob = Callable[[Run], Awaitable[None]]
"""Does the work of a job; raises `JobFailed`, `JobCancelled` and `RunLost`, or what may be tried again."""


async def run_queued(work: RunJob, queued: QueuedJob) -> None:
    """Run the job that one of the queue stands for; raises what may be tried again."""
    payload = payload_of(queued)
    key = (
        UUID(payload["owner"]),
        UUID(payload["job"]),
        datetime.fromisoformat(payload["started_at"]),
    )
    row = await fetchrow(CLAIM, *key)
    if row is not None:
        is_last = queued.attempts + 1 >= MAX_ATTEMPTS
        await run_claimed(work, Run.of_row(row), is_last_attempt=is_last)


async def run_claimed(work: RunJob, run: Run, *, is_last_attempt: bool) -> None:
    """Do the work of a job that is RUNNING, and note how it ended; raises what may be tried again."""
    announce(run.job_id)
    try:
        await work(run)
    except RunLost:
        logger.info("job %s is run by another worker, or anew", run.job_id)
    except JobCancelled:
        logger.info("job %s is cancelled", run.job_id)
    except JobFailed as failure:
        await end(run, JobState.FAILED, str(failure))
    except Exception as error:
        if is_temporary(error):
            if not is_last_attempt:
                raise
            await end(run, JobState.FAILED, UNREACHABLE)
        else:
            logger.exception("job %s failed", run.job_id)
            await end(run, JobState.FAILED, UNEXPECTED)
    else:
        await end(run, JobState.DONE)


@retried
async def end(run: Run, state: JobState, error: str | None = None) -> None:
    """Note how a run ended, and notify its owner unless they have cancelled it."""
    async with owner_transaction(run.owner_id) as connection:
        is_over = await connection.fetchrow(END, *run.key, state.value, error) is None
        if not is_over and state is not JobState.CANCELLED:
            event = JobEvent.of(run.row["kind"], state, is_trial=run.row["is_trial"])
            source = source_of(event, run.job_id, run.row["started_at"])
            entry = Entry(run.owner_id, NotificationKind.JOB, source, run.owner_id, None, None)
            await enter(connection, [entry])
    announce(run.job_id)
    wake_ups.announce([run.owner_id])
