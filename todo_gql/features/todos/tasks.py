"""What a worker does for todos: purging the trash, counting what accounts store, search texts."""

from functools import partial

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.todos.growth import GrowthGauge
from todo_gql.features.todos.recount import delete_empty_counts, recount_accounts
from todo_gql.features.todos.search_texts import fill_search_texts
from todo_gql.features.todos.trash import purge_trash
from todo_gql.jobs.worker import MaintenanceStep, PeriodicTask, WorkerTasks
from todo_gql.observability.metrics import metrics

GROWTH_SECONDS = 300.0


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for todos; also shows the limit on an account's bytes in the metrics."""
    settings = setup.settings
    metrics().account_bytes_limit.set(settings.account_bytes)
    return WorkerTasks(
        maintenance=[
            MaintenanceStep(
                recount_accounts,
                "recounted %d accounts",
                "accounts can't be recounted",
            ),
            MaintenanceStep(
                fill_search_texts,
                "stored the search texts of %d todos",
                "search texts can't be stored",
            ),
            MaintenanceStep.deleting("counts of 0", delete_empty_counts),
            MaintenanceStep.deleting(
                "todos of the trash", partial(purge_trash, settings.trash_retention_days)
            ),
        ],
        periodic=[_growth(settings.account_bytes)],
    )


def _growth(account_bytes: int) -> PeriodicTask:
    gauge = GrowthGauge(account_bytes)
    # As a maintenance step any worker might do it, and the others would go on showing what they
    # measured last.
    return PeriodicTask(
        "the watch of growth",
        GROWTH_SECONDS,
        gauge.update,
        gauge.reset,
        "the growth of accounts can't be read",
    )
