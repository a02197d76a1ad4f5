"""What a worker does for sharing: invitations, and the members of lists that are to be purged."""

from functools import partial
from uuid import UUID

from pgqueuer.domain.models import Job

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.sharing.email.outbox import (
    DELIVER_INVITATION,
    SEND_INVITATION,
    deliver,
    send,
)
from todo_gql.features.sharing.endings import end_memberships_of_expired_lists
from todo_gql.jobs.queue import payload_of
from todo_gql.jobs.worker import MaintenanceStep, WorkerTasks
from todo_gql.mail.transport import transport


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for sharing."""
    settings = setup.settings
    hand_over = transport(settings)

    async def deliver_invitation(job: Job) -> None:
        await deliver(UUID(payload_of(job)["invitation_id"]), settings)

    async def send_invitation(job: Job) -> None:
        ids = payload_of(job)
        await send(UUID(ids["owner_id"]), UUID(ids["mail_id"]), settings, hand_over)

    end_memberships = partial(end_memberships_of_expired_lists, settings.trash_retention_days)
    return WorkerTasks(
        handlers={DELIVER_INVITATION: deliver_invitation, SEND_INVITATION: send_invitation},
        maintenance=[MaintenanceStep.deleting("members of the trash", end_memberships)],
    )
