"""The worker: does the jobs in the queue, and what has to be done every so often."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
from aiosmtplib import SMTPException
from pgqueuer import PgQueuer
from pgqueuer.core.executors import EntrypointExecutor
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Context as JobContext
from pgqueuer.domain.models import Job, Schedule
from tortoise.exceptions import DBConnectionError, OperationalError

from todo_gql import db, jobs
from todo_gql.accounts import mails, recovery
from todo_gql.accounts.deletion import purge_accounts
from todo_gql.accounts.upkeep import DAYS_KEPT, forget_what_is_over
from todo_gql.changes.retention import purge_changes
from todo_gql.jobs import Task
from todo_gql.mail.transport import transport
from todo_gql.settings import Settings
from todo_gql.todos.trash import purge_trash

logger = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(hours=1)
# After this long without a sign of life, what a worker had begun is anybody's to do.
HEARTBEAT = timedelta(seconds=10)
POLL = timedelta(seconds=30)
JOBS_AT_ONCE = 10
RECONNECT_SECONDS = 2.0
UPKEEP = "*/10 * * * *"

# What the database and the network do at times, and a try later may not meet again.
EXPECTED = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    DBConnectionError,
    FailingListenerError,
    OperationalError,
    SMTPException,
    OSError,
)


@dataclass
class Tries(EntrypointExecutor):
    """Has a job that fails tried eight times, each time after three times as long a wait.

    pgqueuer's own executor for this tells nobody why a try failed.
    """

    first_wait: timedelta = field(kw_only=True)

    async def execute(self, job: Job, context: JobContext) -> None:
        """Do the job, or have it tried again; the last error is raised."""
        try:
            await super().execute(job, context)
        except Exception as error:
            reason, this_try = str(error) or type(error).__name__, job.attempts + 1
            logger.log(
                logging.ERROR if this_try >= jobs.TRIES else logging.WARNING,
                "job %d, %s, failed at try %d of %d: %s",
                *(job.id, job.entrypoint, this_try, jobs.TRIES, reason),
                exc_info=None if isinstance(error, EXPECTED) else error,
            )
            if this_try >= jobs.TRIES:
                raise
            wait = min(self.first_wait * 3**job.attempts, LONGEST_WAIT)
            raise RetryRequested(wait, reason) from error


class Worker:
    """Does jobs from `run` until `stop`, and comes back when the database does."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        self.settings = settings
        self.database_url = database_url
        self.transport = transport(settings)
        self.stopped = asyncio.Event()
        self._queue: PgQueuer | None = None

    def stop(self) -> None:
        """Begin nothing more; `run` returns once the jobs under way are done."""
        self.stopped.set()
        if self._queue:
            self._queue.shutdown.set()

    async def run(self) -> None:
        """Do jobs; errors of the database are waited out."""
        while not self.stopped.is_set():
            try:
                await self._work()
            except* EXPECTED as errors:
                reasons = {str(each) or type(each).__name__ for each in errors.exceptions}
                logger.warning("the queue can't be reached: %s", "; ".join(sorted(reasons)))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stopped.wait(), RECONNECT_SECONDS)

    async def _work(self) -> None:
        """Do jobs until stopped; raises when the connection is lost."""
        async with _own_connection(self.database_url) as (connection, lost):
            self._queue = queue = self._queue_on(connection)
            if self.stopped.is_set():
                return
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_raise_when(lost))
                await queue.run(
                    dequeue_timeout=POLL,
                    batch_size=JOBS_AT_ONCE,
                    heartbeat_timeout=HEARTBEAT,
                    shutdown_on_listener_failure=True,
                )
                watching.cancel()

    def _queue_on(self, connection: "asyncpg.Connection[db.Row]") -> PgQueuer:
        queue = PgQueuer.from_asyncpg_connection(connection)
        tries = partial(Tries, first_wait=timedelta(seconds=self.settings.mail_retry_seconds))
        tasks = {Task.SEND_MAIL: self._send_mail, Task.START_RESET: self._start_reset}
        for task, work in tasks.items():
            queue.entrypoint(task, on_failure="hold", executor_factory=tries)(work)
        queue.schedule("upkeep", UPKEEP)(self._upkeep)
        return queue

    async def _send_mail(self, job: Job) -> None:
        ids = jobs.payload_of(job)
        owner_id, mail_id = UUID(ids["owner_id"]), UUID(ids["mail_id"])
        await mails.send(owner_id, mail_id, self.settings, self.transport)

    async def _start_reset(self, job: Job) -> None:
        asked = jobs.payload_of(job)
        await recovery.start_reset(asked["email"], UUID(asked["mail_id"]), self.settings)

    async def _upkeep(self, _schedule: Schedule) -> None:
        todos = await purge_trash(self.settings.trash_retention_days)
        changes = await purge_changes(self.settings.changes_retention_days)
        accounts = await purge_accounts()
        await forget_what_is_over()
        await jobs.forget_finished(DAYS_KEPT)
        if todos or changes or accounts:
            purged = todos, changes, accounts
            logger.info("purged %d todos of the trash, %d changes and %d accounts", *purged)


@asynccontextmanager
async def _own_connection(
    database_url: str,
) -> AsyncIterator[tuple["asyncpg.Connection[db.Row]", asyncio.Event]]:
    """A connection to listen on, and the event that it was lost."""
    connection = await asyncpg.connect(
        database_url, timeout=RECONNECT_SECONDS, server_settings=db.SESSION_SETTINGS
    )
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        yield connection, lost
    finally:
        await connection.close(timeout=RECONNECT_SECONDS)


async def _raise_when(lost: asyncio.Event) -> None:
    await lost.wait()
    raise ConnectionError("the connection was lost")


@asynccontextmanager
async def working(settings: Settings, database_url: str) -> AsyncIterator[Worker]:
    """A worker beside whatever the block does, on the database that is connected."""
    worker = Worker(settings, database_url)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running
