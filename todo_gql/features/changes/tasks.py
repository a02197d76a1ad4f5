"""What a worker does for the change log: deleting its old changes."""

from functools import partial

from todo_gql.changelog.retention import purge_changes
from todo_gql.features.feature import WorkerSetup
from todo_gql.jobs.worker import MaintenanceStep, WorkerTasks


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for the change log."""
    purge = partial(purge_changes, setup.settings.changes_retention_days)
    return WorkerTasks(maintenance=[MaintenanceStep.deleting("changes", purge)])
