"""What a worker does for pushes: enqueuing those that are due, sending them, and cleaning up."""

from functools import partial
from typing import Final
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.database.models import NotificationKind
from todo_gql.database.owner_batches import owners_where
from todo_gql.features.feature import WorkerSetup
from todo_gql.features.push.access import IN_OPEN_SESSION
from todo_gql.features.push.delivery import PushDelivery
from todo_gql.features.push.dispatch import SEND_PUSH, enqueue_due
from todo_gql.features.push.writes import DELETE_WITHOUT_SESSION
from todo_gql.jobs.worker import MaintenanceStep, PeriodicTask, WorkerTasks
from todo_gql.observability.metrics import metrics
from todo_gql.outbound.addresses import AllowedHosts
from todo_gql.outbound.client import OutboundClient
from todo_gql.push.keys import push_key
from todo_gql.push.sender import PushSender
from todo_gql.settings import Settings

POLL_SECONDS: Final = 2.0
"""How long after its moment a push is enqueued at most."""

HAS_WITHOUT_SESSION: Final = (
    "$3::int IS NOT NULL AND EXISTS (SELECT FROM push_subscriptions p WHERE p.owner_id = u.id"
    f" AND NOT {IN_OPEN_SESSION.replace('$1', 'u.id')})"
)


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for pushes; also shows the kinds of push in the metrics."""
    metrics().expect_pushes(kind.name.lower() for kind in NotificationKind)
    settings = setup.settings
    client = OutboundClient(AllowedHosts.parse(settings.webhook_allowed_hosts))
    sender = _sender(settings, client)
    return WorkerTasks(
        handlers={SEND_PUSH: PushDelivery(sender).send},
        maintenance=[MaintenanceStep.deleting("push subscriptions", delete_without_session)],
        periodic=[
            PeriodicTask(
                name="pushes",
                seconds=POLL_SECONDS,
                run=partial(_enqueue_due, is_on=sender is not None),
                on_failure=_ignore,
                failed="the pushes that are due can't be enqueued",
            )
        ],
        resources=[client],
    )


def _sender(settings: Settings, client: OutboundClient) -> PushSender | None:
    key = push_key(settings)
    return PushSender(client, key, settings.push_subject) if key else None


async def _enqueue_due(*, is_on: bool) -> None:
    await enqueue_due(is_on=is_on)


def _ignore() -> None:
    """Leave the metrics as they are: what isn't enqueued is late when it is."""


async def delete_without_session() -> int:
    """Delete the push subscriptions whose sessions have expired or are gone; their number."""
    deleted = 0
    async for owner_id in owners_where(HAS_WITHOUT_SESSION, 0):
        deleted += await _delete_of(owner_id)
    return deleted


async def _delete_of(owner_id: UUID) -> int:
    return len(await fetch(f"{DELETE_WITHOUT_SESSION} RETURNING 1", owner_id))
