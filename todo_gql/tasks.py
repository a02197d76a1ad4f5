"""The one list of what a worker runs: job handlers, maintenance steps and periodic tasks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

from pgqueuer.domain.models import Job

from todo_gql.changelog.retention import purge_changes
from todo_gql.database.models import MailKind
from todo_gql.features.accounts.cleanup import RETENTION_DAYS, delete_expired
from todo_gql.features.accounts.deletion import purge_accounts
from todo_gql.features.accounts.email import outbox, password_reset
from todo_gql.features.todos.growth import GrowthGauge
from todo_gql.features.todos.recount import recount_storage
from todo_gql.features.todos.trash import purge_trash
from todo_gql.jobs import queue as jobs
from todo_gql.jobs.queue import Task
from todo_gql.jobs.worker import Handler, MaintenanceStep, PeriodicTask, Worker, WorkerTasks
from todo_gql.mail.transport import transport
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings

GROWTH_SECONDS = 300.0


def create_worker(settings: Settings, database_url: str) -> Worker:
    """A worker with all tasks; also registers its metrics."""
    metrics().account_bytes_limit.set(settings.account_bytes)
    metrics().expect_jobs(Task, (kind.name.lower() for kind in MailKind))
    tasks = WorkerTasks(_handlers(settings), _maintenance(settings), _periodic(settings))
    return Worker(tasks, database_url, timedelta(seconds=settings.mail_retry_seconds))


@asynccontextmanager
async def working(settings: Settings, database_url: str) -> AsyncIterator[Worker]:
    """A worker that runs beside the block, on the database that is connected."""
    worker = create_worker(settings, database_url)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


def _handlers(settings: Settings) -> dict[Task, Handler]:
    send = transport(settings)

    async def send_mail(job: Job) -> None:
        ids = jobs.payload_of(job)
        await outbox.send(UUID(ids["owner_id"]), UUID(ids["mail_id"]), settings, send)

    async def start_reset(job: Job) -> None:
        await password_reset.start_reset(jobs.payload_of(job), settings)

    return {Task.SEND_MAIL: send_mail, Task.START_RESET: start_reset}


def _maintenance(settings: Settings) -> list[MaintenanceStep]:
    deletions: dict[str, Callable[[], Awaitable[int]]] = {
        "todos of the trash": partial(purge_trash, settings.trash_retention_days),
        "changes": partial(purge_changes, settings.changes_retention_days),
        "accounts": purge_accounts,
        "mails and sessions": delete_expired,
        "notes of jobs": partial(jobs.delete_old_records, RETENTION_DAYS),
    }
    return [
        MaintenanceStep(
            recount_storage,
            "counted what %d accounts store",
            "what accounts store can't be counted",
        ),
        *(
            MaintenanceStep(
                delete, f"deleted %d {name}", f"the {name} that are due can't be deleted"
            )
            for name, delete in deletions.items()
        ),
    ]


def _periodic(settings: Settings) -> list[PeriodicTask]:
    gauge = GrowthGauge(settings.account_bytes)
    # As a maintenance step any worker might do it, and the others would go on showing what they
    # measured last.
    return [
        PeriodicTask(
            "the watch of growth",
            GROWTH_SECONDS,
            gauge.update,
            gauge.reset,
            "the growth of accounts can't be read",
        )
    ]
