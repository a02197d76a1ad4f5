"""What a worker does for imports and exports: running them, and deleting those that are over."""

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.transfers.writes import delete_expired_jobs
from todo_gql.jobs.worker import MaintenanceStep, WorkerTasks


def tasks(_setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for jobs of people."""
    return WorkerTasks(
        maintenance=[MaintenanceStep.deleting("imports and exports", delete_expired_jobs)],
    )
