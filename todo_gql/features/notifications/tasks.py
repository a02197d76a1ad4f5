"""What a worker does for notifications: reading feeds, and deleting what is old."""

from functools import partial

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.notifications.feed_reader import POLL_SECONDS, FeedReader
from todo_gql.features.notifications.retention import purge_archived, purge_mails
from todo_gql.jobs.worker import MaintenanceStep, PeriodicTask, WorkerTasks


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for notifications."""
    purge = partial(purge_archived, setup.settings.notifications_retention_days)
    return WorkerTasks(
        maintenance=[
            MaintenanceStep.deleting("archived notifications", purge),
            MaintenanceStep.deleting("notes of mails", purge_mails),
        ],
        periodic=[
            PeriodicTask(
                "the feed reader",
                POLL_SECONDS,
                FeedReader().run,
                on_failure=lambda: None,
                failed="feeds can't be read for notifications",
            )
        ],
    )
