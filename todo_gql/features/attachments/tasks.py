"""What a worker does for files: it examines uploads, and deletes what isn't needed any more."""

from todo_gql.features.attachments.cleanup import DiscardedFiles, delete_unfinished
from todo_gql.features.attachments.examination import Examiner
from todo_gql.features.attachments.examination_jobs import EXAMINE_FILE
from todo_gql.features.feature import WorkerSetup
from todo_gql.jobs.worker import MaintenanceStep, WorkerTasks


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for files."""
    discarded = DiscardedFiles(setup.settings)
    return WorkerTasks(
        handlers={EXAMINE_FILE: Examiner(setup.settings).run},
        maintenance=[
            MaintenanceStep.deleting("unfinished uploads", delete_unfinished),
            MaintenanceStep.deleting("discarded files", discarded.delete),
        ],
    )
