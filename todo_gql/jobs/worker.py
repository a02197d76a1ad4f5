"""The worker: runs the jobs in the queue, maintenance steps and periodic tasks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

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
from todo_gql.jobs.queue import LinkExpired
from todo_gql.observability.metrics import metrics
from todo_gql.observability.request_record import set_caller

logger = logging.getLogger(__name__)

# After this long without a heartbeat, the jobs of a worker are run by another one.
HEARTBEAT = timedelta(seconds=10)
POLL = timedelta(seconds=10)
MAX_RUNNING_JOBS = 20
CONNECT_SECONDS = 2.0
RECONNECT_SECONDS = 2.0
# Longer than any statement_timeout: a server that doesn't answer by then is gone.
ANSWER_SECONDS = 10.0
MAINTENANCE_CRON = "*/10 * * * *"
# How long a worker that is stopping waits for its jobs, which then return to the queue, and in all.
JOB_SECONDS = 15.0
STOP_SECONDS = 20.0

WORKER_STOPPED = "the worker was ended"

# Errors of the database and the network, which are logged without a traceback.
TRANSIENT_ERRORS = (
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
"""Runs a job; it is retried when its handler raises."""


class MaintenanceStep(NamedTuple):
    """A step of the maintenance, which one of all workers runs every ten minutes."""

    run: Callable[[], Awaitable[int]]
    """Returns how many rows or accounts it processed."""
    done: str
    """The log message, with %d for that number."""
    failed: str
    """The log message when `run` raises; the next step runs nevertheless."""

    @classmethod
    def deleting(cls, name: str, delete: Callable[[], Awaitable[int]]) -> "MaintenanceStep":
        """A step that deletes what is due of something, which is `name` in the log."""
        return cls(delete, f"deleted %d {name}", f"the {name} that are due can't be deleted")


class PeriodicTask(NamedTuple):
    """What each worker repeats by itself, such as a measurement that its own gauge shows."""

    name: str
    """The caller that its use of connections counts for."""
    seconds: float
    run: Callable[[], Awaitable[object]]
    on_failure: Callable[[], None]
    failed: str
    """The log message when `run` raises."""


@dataclass(frozen=True)
class WorkerTasks:
    """What a worker does, all of it or for one feature; the worker itself knows no feature.

    `handlers` are by the kind of job that they run, and `limits` has how many jobs of a kind run at once, in
    all workers together, where that is limited. `resources` are entered while the worker runs, such as a
    client's connections.
    """

    handlers: Mapping[str, Handler] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    maintenance: Sequence[MaintenanceStep] = ()
    periodic: Sequence[PeriodicTask] = ()
    resources: Sequence[AbstractAsyncContextManager[Any]] = ()

    @classmethod
    def merged(cls, parts: Sequence["WorkerTasks"]) -> "WorkerTasks":
        """The tasks of all parts, in their order; `ValueError` if two handle the same jobs."""
        kinds = [kind for part in parts for kind in part.handlers]
        if repeated := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise ValueError(f"jobs with two handlers: {', '.join(sorted(repeated))}")
        return cls(
            handlers={kind: run for part in parts for kind, run in part.handlers.items()},
            limits={kind: number for part in parts for kind, number in part.limits.items()},
            maintenance=[step for part in parts for step in part.maintenance],
            periodic=[task for part in parts for task in part.periodic],
            resources=[resource for part in parts for resource in part.resources],
        )


class RunningJobs:
    """The jobs that run in a worker, all of which can be given one deadline."""

    def __init__(self) -> None:
        self._deadline: float | None = None
        self._timeouts = set[asyncio.Timeout]()

    def cancel_after(self, seconds: float) -> None:
        """Cancel the jobs that still run in so many seconds."""
        self._deadline = asyncio.get_running_loop().time() + seconds
        for limit in self._timeouts:
            limit.reschedule(self._deadline)

    @asynccontextmanager
    async def with_deadline(self) -> AsyncIterator[None]:
        """Run a job in the block; raises `RetryRequested` when the deadline cancels it."""
        try:
            async with asyncio.timeout_at(self._deadline) as limit:
                self._timeouts.add(limit)
                try:
                    yield
                finally:
                    self._timeouts.remove(limit)
        except TimeoutError:
            if not limit.expired():
                raise
            raise RetryRequested(timedelta(0), WORKER_STOPPED) from None


@dataclass
class RetryingExecutor(EntrypointExecutor):
    """Retries a job that fails, MAX_ATTEMPTS in all, unless its error is permanent.

    pgqueuer's own executor for this logs no reason for a failed attempt.
    """

    first_delay: timedelta = field(kw_only=True)
    running: RunningJobs = field(kw_only=True)

    async def execute(self, job: Job, context: JobContext) -> None:
        """Run the job; raises `RetryRequested` for another attempt, or the last attempt's error."""
        ended = metrics().jobs.labels
        try:
            async with self.running.with_deadline():
                await super().execute(job, context)
            ended(job.entrypoint, "done").inc()
        except RetryRequested:
            raise
        except asyncio.CancelledError:
            # The queue would treat a cancelled job as one that is to be deleted.
            raise RetryRequested(timedelta(0), WORKER_STOPPED) from None
        except Exception as error:
            ended(job.entrypoint, "failed").inc()
            reason, attempt = str(error) or type(error).__name__, job.attempts + 1
            is_final = attempt >= jobs.MAX_ATTEMPTS or isinstance(error, LinkExpired)
            logger.log(
                logging.ERROR if is_final else logging.WARNING,
                "job %d, %s, failed at try %d of %d: %s",
                *(job.id, job.entrypoint, attempt, jobs.MAX_ATTEMPTS, reason),
                exc_info=None if isinstance(error, TRANSIENT_ERRORS) else error,
            )
            if is_final:
                raise
            wait = jobs.retry_delay(job.attempts, self.first_delay, jobs.time_left(job))
            raise RetryRequested(wait, reason) from error


class Worker:
    """Runs jobs from `run` until `stop`; reconnects when the database is back."""

    def __init__(self, tasks: WorkerTasks, database_url: str, first_delay: timedelta) -> None:
        """`first_delay` is how long a job waits after its first failed attempt."""
        self.tasks = tasks
        self.database_url = database_url
        self.first_delay = first_delay
        self.stopped = asyncio.Event()
        self.running = RunningJobs()
        self._timeout: asyncio.Timeout | None = None
        self._queue: PgQueuer | None = None

    def stop(self) -> None:
        """Start no more jobs; `run` returns once the running ones are done or cancelled."""
        self.stopped.set()
        self.running.cancel_after(JOB_SECONDS)
        if self._timeout:
            self._timeout.reschedule(asyncio.get_running_loop().time() + STOP_SECONDS)
        if self._queue:
            self._queue.shutdown.set()

    async def run(self) -> None:
        """Run jobs until stopped; after an error of the database, reconnect."""
        set_caller("the worker")
        async with AsyncExitStack() as resources:
            for resource in self.tasks.resources:
                await resources.enter_async_context(resource)
            await self._run_until_stopped()

    async def _run_until_stopped(self) -> None:
        repeating = [asyncio.create_task(self._repeat(task)) for task in self.tasks.periodic]
        try:
            async with asyncio.timeout(None) as self._timeout:
                await self._run()
        except TimeoutError:
            logger.warning("the worker ends before all is done; others go on with it")
        finally:
            self._timeout = None
            for periodic in repeating:
                periodic.cancel()
            await asyncio.gather(*repeating, return_exceptions=True)

    async def _run(self) -> None:
        while not self.stopped.is_set():
            try:
                await self._work()
            except TRANSIENT_ERRORS as error:
                logger.warning("the queue can't be reached: %s", str(error) or type(error).__name__)
            except Exception:
                logger.exception("the worker failed, and begins anew")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), RECONNECT_SECONDS)

    async def _work(self) -> None:
        """Run jobs until stopped; raises `ConnectionError` once the connection is lost."""
        async with _own_connection(self.database_url) as connection:
            self._queue = queue = self._queue_on(connection)
            connection.add_termination_listener(lambda _: queue.shutdown.set())
            if self.stopped.is_set():
                return
            await queue.run(
                dequeue_timeout=POLL,
                batch_size=MAX_RUNNING_JOBS // 2,
                max_concurrent_tasks=MAX_RUNNING_JOBS,
                heartbeat_timeout=HEARTBEAT,
                shutdown_on_listener_failure=True,
            )
            if not self.stopped.is_set():
                raise ConnectionError("the connection was lost")

    def _queue_on(self, connection: "asyncpg.Connection[Row]") -> PgQueuer:
        queue = PgQueuer.from_asyncpg_connection(connection)
        tries = partial(RetryingExecutor, first_delay=self.first_delay, running=self.running)
        for task, handler in self.tasks.handlers.items():
            at_once = self.tasks.limits.get(task, 0)
            queue.entrypoint(
                task, concurrency_limit=at_once, on_failure="hold", executor_factory=tries
            )(handler)
        queue.schedule("upkeep", MAINTENANCE_CRON)(self._maintain)
        return queue

    async def _repeat(self, task: PeriodicTask) -> None:
        """Run a periodic task until the worker is stopped."""
        set_caller(task.name)
        while not self.stopped.is_set():
            try:
                await task.run()
            except TRANSIENT_ERRORS as error:
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
    """A connection to listen on, not one of the pool's."""
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
