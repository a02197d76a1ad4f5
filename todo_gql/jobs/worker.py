"""The worker: does the jobs in the queue, and what has to be done every so often."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple

import asyncpg
from aiosmtplib import SMTPException
from pgqueuer import PgQueuer
from pgqueuer.core.executors import EntrypointExecutor
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Context as JobContext
from pgqueuer.domain.models import Job, Schedule
from tortoise.exceptions import DBConnectionError, OperationalError

from todo_gql.database.connection import Row
from todo_gql.database.retry import OutcomeUnknown
from todo_gql.database.tortoise_backend import SESSION_SETTINGS
from todo_gql.jobs import queue as jobs
from todo_gql.jobs.queue import LinkExpired, Task
from todo_gql.observability.metrics import metrics
from todo_gql.observability.request_record import set_caller

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


Handler = Callable[[Job], Awaitable[None]]
"""What does a job; a job whose handler raises is retried."""


class MaintenanceStep(NamedTuple):
    """What one worker of all does at each maintenance."""

    run: Callable[[], Awaitable[int]]
    """Returns how many rows or accounts it processed."""
    done: str
    """The log message, with %d for that number."""
    failed: str
    """The log message when `run` raises; the next step runs nevertheless."""


class PeriodicTask(NamedTuple):
    """What each worker repeats by itself, such as a measurement that its own gauge shows."""

    name: str
    """Whom the log names as the actor."""
    seconds: float
    run: Callable[[], Awaitable[None]]
    on_failure: Callable[[], None]
    failed: str
    """The log message when `run` raises."""


@dataclass(frozen=True)
class WorkerTasks:
    """Everything that a worker does; the worker itself knows no feature."""

    handlers: Mapping[Task, Handler]
    maintenance: Sequence[MaintenanceStep]
    periodic: Sequence[PeriodicTask]


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

    def __init__(self, tasks: WorkerTasks, database_url: str, first_wait: timedelta) -> None:
        """`first_wait` is how long a job waits that failed at its first try."""
        self.tasks = tasks
        self.database_url = database_url
        self.first_wait = first_wait
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
        set_caller("the worker")
        repeating = [asyncio.create_task(self._repeat(task)) for task in self.tasks.periodic]
        try:
            async with asyncio.timeout(None) as self._limit:
                await self._run()
        except TimeoutError:
            logger.warning("the worker ends before all is done; others go on with it")
        finally:
            self._limit = None
            for periodic in repeating:
                periodic.cancel()
            await asyncio.gather(*repeating, return_exceptions=True)

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

    def _queue_on(self, connection: "asyncpg.Connection[Row]") -> PgQueuer:
        queue = PgQueuer.from_asyncpg_connection(connection)
        tries = partial(Tries, first_wait=self.first_wait, under_way=self.under_way)
        for task, handler in self.tasks.handlers.items():
            queue.entrypoint(task, on_failure="hold", executor_factory=tries)(handler)
        queue.schedule("upkeep", UPKEEP)(self._maintain)
        return queue

    async def _repeat(self, task: PeriodicTask) -> None:
        """Run a periodic task until the worker is stopped."""
        set_caller(task.name)
        while not self.stopped.is_set():
            try:
                await task.run()
            except EXPECTED as error:
                task.on_failure()
                logger.warning("%s: %s", task.failed, str(error) or type(error).__name__)
            except Exception:
                task.on_failure()
                logger.exception(task.failed)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), task.seconds)

    async def _maintain(self, _schedule: Schedule) -> None:
        """Run all maintenance steps; one that fails is logged, and the others still run."""
        set_caller("upkeep")
        for step in self.tasks.maintenance:
            try:
                if number := await step.run():
                    logger.info(step.done, number)
            except Exception:
                logger.exception(step.failed)


@asynccontextmanager
async def _own_connection(database_url: str) -> AsyncIterator["asyncpg.Connection[Row]"]:
    """A connection to listen on, beside those of the pool."""
    connection = await asyncpg.connect(
        database_url,
        timeout=CONNECT_SECONDS,
        command_timeout=ANSWER_SECONDS,
        server_settings=SESSION_SETTINGS | {"application_name": "todo_gql worker"},
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_SECONDS)
