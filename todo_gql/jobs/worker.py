"""The worker: does the jobs in the queue, and what has to be done every so often."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
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

from todo_gql.changelog.retention import purge_changes
from todo_gql.database import connection as db
from todo_gql.database.models import MailKind
from todo_gql.database.retry import OutcomeUnknown
from todo_gql.features.accounts.cleanup import DAYS_KEPT, forget_what_is_over
from todo_gql.features.accounts.deletion import purge_accounts
from todo_gql.features.accounts.email import outbox, password_reset
from todo_gql.features.todos.growth import GrowthWatch
from todo_gql.features.todos.stock import recount_storage
from todo_gql.features.todos.trash import purge_trash
from todo_gql.jobs import queue as jobs
from todo_gql.jobs.queue import LinkExpired, Task
from todo_gql.mail.transport import transport
from todo_gql.observability.metrics import metrics
from todo_gql.observability.observation import act_for
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

# After this long without a sign of life, what a worker had begun is anybody's to do.
HEARTBEAT = timedelta(seconds=10)
POLL = timedelta(seconds=10)
JOBS_AT_ONCE = 20
CONNECT_SECONDS = 2.0
RECONNECT_SECONDS = 2.0
# A server that doesn't answer even to a statement that was timed out is gone.
ANSWER_SECONDS = 10.0
UPKEEP = "*/10 * * * *"
GROWTH_SECONDS = 300.0
DAY_SECONDS = 86_400
# Told to stop, a worker waits so long for its jobs, which then are anybody's to do, and for all.
JOB_SECONDS = 15.0
STOP_SECONDS = 20.0

WORKER_ENDED = "the worker was ended"

# What the database and the network do at times, and a try later may not meet again.
EXPECTED = (
    LinkExpired,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    DBConnectionError,
    FailingListenerError,
    OperationalError,
    OutcomeUnknown,
    SMTPException,
    OSError,
)


class JobsUnderWay:
    """The jobs that a worker is doing, whose time can be limited."""

    def __init__(self) -> None:
        self._end: float | None = None
        self._limits = set[asyncio.Timeout]()

    def end_within(self, seconds: float) -> None:
        """Cut off whatever isn't done by then."""
        self._end = asyncio.get_running_loop().time() + seconds
        for limit in self._limits:
            limit.reschedule(self._end)

    @asynccontextmanager
    async def limited(self) -> AsyncIterator[None]:
        """Let a job in the block go back to the queue when it is cut off."""
        try:
            async with asyncio.timeout_at(self._end) as limit:
                self._limits.add(limit)
                try:
                    yield
                finally:
                    self._limits.remove(limit)
        except TimeoutError:
            if not limit.expired():
                raise
            raise RetryRequested(timedelta(0), WORKER_ENDED) from None


@dataclass
class Tries(EntrypointExecutor):
    """Has a job that fails tried eight times, unless no further try can mend it.

    pgqueuer's own executor for this tells nobody why a try failed.
    """

    first_wait: timedelta = field(kw_only=True)
    under_way: JobsUnderWay = field(kw_only=True)

    async def execute(self, job: Job, context: JobContext) -> None:
        """Do the job, or have it tried again; the last error is raised."""
        ended = metrics().jobs.labels
        try:
            async with self.under_way.limited():
                await super().execute(job, context)
            ended(job.entrypoint, "done").inc()
        except RetryRequested:
            raise
        except asyncio.CancelledError:
            # The queue takes a job that was cut off for one that nobody wants any more.
            raise RetryRequested(timedelta(0), WORKER_ENDED) from None
        except Exception as error:
            ended(job.entrypoint, "failed").inc()
            reason, this_try = str(error) or type(error).__name__, job.attempts + 1
            is_last = this_try >= jobs.TRIES or isinstance(error, LinkExpired)
            logger.log(
                logging.ERROR if is_last else logging.WARNING,
                "job %d, %s, failed at try %d of %d: %s",
                *(job.id, job.entrypoint, this_try, jobs.TRIES, reason),
                exc_info=None if isinstance(error, EXPECTED) else error,
            )
            if is_last:
                raise
            wait = jobs.wait_after(job.attempts, self.first_wait, jobs.time_left(job))
            raise RetryRequested(wait, reason) from error


class Worker:
    """Does jobs from `run` until `stop`, and comes back when the database does."""

    def __init__(self, settings: Settings, database_url: str) -> None:
        self.settings = settings
        self.database_url = database_url
        self.transport = transport(settings)
        metrics().account_bytes_limit.set(settings.account_bytes)
        metrics().expect_jobs(Task, (kind.name.lower() for kind in MailKind))
        self.stopped = asyncio.Event()
        self.under_way = JobsUnderWay()
        self._limit: asyncio.Timeout | None = None
        self._queue: PgQueuer | None = None

    def stop(self) -> None:
        """Begin nothing more; `run` returns once the jobs under way are done, or cut off."""
        self.stopped.set()
        self.under_way.end_within(JOB_SECONDS)
        if self._limit:
            self._limit.reschedule(asyncio.get_running_loop().time() + STOP_SECONDS)
        if self._queue:
            self._queue.shutdown.set()

    async def run(self) -> None:
        """Do jobs; errors of the database are waited out."""
        act_for("the worker")
        watching = asyncio.create_task(self._watch_growth())
        try:
            async with asyncio.timeout(None) as self._limit:
                await self._run()
        except TimeoutError:
            logger.warning("the worker ends before all is done; others go on with it")
        finally:
            self._limit = None
            watching.cancel()
            await asyncio.wait([watching])

    async def _run(self) -> None:
        while not self.stopped.is_set():
            try:
                await self._work()
            except EXPECTED as error:
                logger.warning("the queue can't be reached: %s", str(error) or type(error).__name__)
            except Exception:
                logger.exception("the worker failed, and begins anew")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), RECONNECT_SECONDS)

    async def _work(self) -> None:
        """Do jobs until stopped; raises when the connection is lost, with no job under way."""
        async with _own_connection(self.database_url) as connection:
            self._queue = queue = self._queue_on(connection)
            connection.add_termination_listener(lambda _: queue.shutdown.set())
            if self.stopped.is_set():
                return
            await queue.run(
                dequeue_timeout=POLL,
                batch_size=JOBS_AT_ONCE // 2,
                max_concurrent_tasks=JOBS_AT_ONCE,
                heartbeat_timeout=HEARTBEAT,
                shutdown_on_listener_failure=True,
            )
            if not self.stopped.is_set():
                raise ConnectionError("the connection was lost")

    def _queue_on(self, connection: "asyncpg.Connection[db.Row]") -> PgQueuer:
        queue = PgQueuer.from_asyncpg_connection(connection)
        first_wait = timedelta(seconds=self.settings.mail_retry_seconds)
        tries = partial(Tries, first_wait=first_wait, under_way=self.under_way)
        tasks = {Task.SEND_MAIL: self._send_mail, Task.START_RESET: self._start_reset}
        for task, work in tasks.items():
            queue.entrypoint(task, on_failure="hold", executor_factory=tries)(work)
        queue.schedule("upkeep", UPKEEP)(self._upkeep)
        return queue

    async def _watch_growth(self) -> None:
        """Measure the fastest growth every GROWTH_SECONDS; each worker does so by itself.

        As a step of the upkeep any worker might do it, and the others would go on showing what they
        measured last.
        """
        act_for("the watch of growth")
        watch = GrowthWatch()
        while not self.stopped.is_set():
            try:
                await self._measure_growth(watch)
            except EXPECTED as error:
                metrics().account_growth.set(0)
                logger.warning(
                    "the growth of accounts can't be read: %s", str(error) or type(error).__name__
                )
            except Exception:
                metrics().account_growth.set(0)
                logger.exception("the growth of accounts can't be read")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), GROWTH_SECONDS)

    async def _measure_growth(self, watch: GrowthWatch) -> None:
        fastest = await watch.fastest()
        metrics().account_growth.set(fastest.bytes_per_second if fastest else 0)
        if fastest and fastest.bytes_per_second * DAY_SECONDS > self.settings.account_bytes:
            logger.warning(
                "account %s grows fast: by %d bytes an hour",
                *(fastest.owner_id, fastest.bytes_per_second * 3_600),
                extra={"owner_id": str(fastest.owner_id)},
            )

    async def _send_mail(self, job: Job) -> None:
        ids = jobs.payload_of(job)
        owner_id, mail_id = UUID(ids["owner_id"]), UUID(ids["mail_id"])
        await outbox.send(owner_id, mail_id, self.settings, self.transport)

    async def _start_reset(self, job: Job) -> None:
        await password_reset.start_reset(jobs.payload_of(job), self.settings)

    async def _upkeep(self, _schedule: Schedule) -> None:
        """Delete what is due; what can't be is told, and keeps nothing else from it."""
        act_for("upkeep")
        try:
            if number := await recount_storage():
                logger.info("counted what %d accounts store", number)
        except Exception:
            logger.exception("what accounts store can't be counted")
        steps: dict[str, Callable[[], Awaitable[int]]] = {
            "todos of the trash": partial(purge_trash, self.settings.trash_retention_days),
            "changes": partial(purge_changes, self.settings.changes_retention_days),
            "accounts": purge_accounts,
            "mails and sessions": forget_what_is_over,
            "notes of jobs": partial(jobs.forget_what_is_over, DAYS_KEPT),
        }
        for name, step in steps.items():
            try:
                if number := await step():
                    logger.info("deleted %d %s", number, name)
            except Exception:
                logger.exception("the %s that are due can't be deleted", name)


@asynccontextmanager
async def _own_connection(database_url: str) -> AsyncIterator["asyncpg.Connection[db.Row]"]:
    """A connection to listen on, beside those of the pool."""
    connection = await asyncpg.connect(
        database_url,
        timeout=CONNECT_SECONDS,
        command_timeout=ANSWER_SECONDS,
        server_settings=db.SESSION_SETTINGS | {"application_name": "todo_gql worker"},
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


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
