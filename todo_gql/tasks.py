"""What a worker runs: the tasks of all features, and the queue's own maintenance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.registry import BEFORE_DELETION, FEATURES, LARGE_TABLES
from todo_gql.jobs.queue import delete_old_records
from todo_gql.jobs.worker import MaintenanceStep, Worker, WorkerTasks
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings

QUEUE_TASKS = WorkerTasks(
    maintenance=[MaintenanceStep.deleting("notes of jobs", delete_old_records)]
)


def create_worker(settings: Settings, database_url: str) -> Worker:
    """A worker with the tasks of all features; also registers its metrics."""
    setup = WorkerSetup(settings, LARGE_TABLES, BEFORE_DELETION)
    tasks = WorkerTasks.merged([*(feature.tasks(setup) for feature in FEATURES), QUEUE_TASKS])
    metrics().expect_jobs(tasks.handlers)
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
