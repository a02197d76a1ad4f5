"""What a worker does for imports and exports: running them, and deleting those that are over."""

from functools import partial
from typing import Final

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.transfers.exports.running import run_export
from todo_gql.features.transfers.imports.importer import run_import
from todo_gql.features.transfers.runs import run_queued
from todo_gql.features.transfers.writes import (
    MAX_RUNNING,
    RUN_EXPORT,
    RUN_IMPORT,
    delete_expired_jobs,
)
from todo_gql.jobs.worker import MaintenanceStep, WorkerTasks

RUN: Final = {RUN_IMPORT: run_import, RUN_EXPORT: run_export}
"""What runs each kind of job, with the settings."""


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for jobs of people."""
    return WorkerTasks(
        handlers={
            kind: partial(run_queued, partial(run, setup.settings)) for kind, run in RUN.items()
        },
        limits=dict.fromkeys(RUN, MAX_RUNNING),
        maintenance=[MaintenanceStep.deleting("imports and exports", delete_expired_jobs)],
    )
