"""What a worker does for reminders: it fires those that are due, and follows the time zones."""

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.reminders.firing import POLL_SECONDS, SKIP_REASONS, fire_due_reminders
from todo_gql.features.reminders.time_zone_data import follow_time_zone_data
from todo_gql.jobs.worker import MaintenanceStep, PeriodicTask, WorkerTasks
from todo_gql.observability.metrics import metrics


def tasks(_setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for reminders; also registers why some aren't sent in the metrics."""
    metrics().expect_skipped_reminders(SKIP_REASONS)
    firing = PeriodicTask(
        "reminders",
        POLL_SECONDS,
        fire_due_reminders,
        _leave_lag,
        "reminders that are due can't be sent",
    )
    zones = MaintenanceStep(
        follow_time_zone_data,
        "computed anew what follows from time zones for %d accounts",
        "what follows from time zones can't be computed anew",
    )
    return WorkerTasks(periodic=[firing], maintenance=[zones])


def _leave_lag() -> None:
    """Show the lag that was measured last: it says that reminders wait."""
