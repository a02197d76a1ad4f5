"""What a worker does for imports and exports: running them, and deleting those that are over."""

from functools import partial

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.transfers.imports.importer import run_import
from todo_gql.features.transfers.runs import run_queued
from todo_gql.features.transfers.writes import MAX_RUNNING, RUN_IMPORT, delete_expired_jobs
from todo_gql.jobs.worker import MaintenanceStep, WorkerTasks


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for jobs of people."""
    return WorkerTasks(
        handlers={RUN_IMPORT: partial(run_queued, partial(run_import, setup.settings))},
        limits={RUN_IMPORT: MAX_RUNNING},
        maintenance=[MaintenanceStep.deleting("imports and exports", delete_expired_jobs)],
    )
