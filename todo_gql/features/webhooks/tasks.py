"""What a worker does for webhooks: sending what is due, measuring how late it is, and cleaning up."""

from typing import Final

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.webhooks.disabling import disable_without_list
from todo_gql.features.webhooks.dispatcher import MAX_LINES, MAX_WAITING, Dispatcher
from todo_gql.features.webhooks.lag import MEASURE_SECONDS, forget_lag, measure_lag
from todo_gql.features.webhooks.retention import purge_deliveries
from todo_gql.features.webhooks.sender import Sender
from todo_gql.jobs.worker import MaintenanceStep, PeriodicTask, WorkerTasks
from todo_gql.observability.metrics import metrics
from todo_gql.outbound.addresses import AllowedHosts
from todo_gql.outbound.client import OutboundClient

POLL_SECONDS: Final = 0.5
"""How long after a change it is sent at most, while there is room."""


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for webhooks; also shows the outcomes of attempts in the metrics."""
    metrics().expect_webhooks()
    allowed = AllowedHosts.parse(setup.settings.webhook_allowed_hosts)
    client = OutboundClient(allowed, connections=MAX_LINES + MAX_WAITING)
    dispatcher = Dispatcher(Sender(client, setup.settings))
    return WorkerTasks(
        maintenance=[
            MaintenanceStep.deleting("deliveries of webhooks", purge_deliveries),
            MaintenanceStep(
                disable_without_list,
                "disabled %d webhooks for lists that are gone",
                "webhooks for lists that are gone can't be disabled",
            ),
        ],
        periodic=[
            PeriodicTask(
                "webhooks",
                POLL_SECONDS,
                dispatcher.run,
                on_failure=lambda: None,
                failed="what is due of webhooks can't be sent",
            ),
            PeriodicTask(
                "the lag of webhooks",
                MEASURE_SECONDS,
                measure_lag,
                on_failure=forget_lag,
                failed="the lag of webhooks can't be measured",
            ),
        ],
        resources=[client, dispatcher],
    )
