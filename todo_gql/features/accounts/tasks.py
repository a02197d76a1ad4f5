"""What a worker does for accounts: sending mails, and deleting accounts and what has expired."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from pgqueuer.domain.models import Job

from todo_gql.database.models import MailKind
from todo_gql.features.accounts.cleanup import delete_expired
from todo_gql.features.accounts.deletion import purge_accounts
from todo_gql.features.accounts.email import outbox, password_reset
from todo_gql.features.feature import BeforeDeletion, WorkerSetup
from todo_gql.jobs.queue import payload_of
from todo_gql.jobs.worker import Handler, MaintenanceStep, WorkerTasks
from todo_gql.mail.transport import transport
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for accounts; also shows the kinds of mail in the metrics."""
    metrics().expect_mails(kind.name.lower() for kind in MailKind)
    before = [partial(_with_settings, step, setup.settings) for step in setup.before_deletion]
    purge = partial(purge_accounts, setup.large_tables, before)
    return WorkerTasks(
        handlers=_handlers(setup.settings),
        maintenance=[
            MaintenanceStep.deleting("accounts", purge),
            MaintenanceStep.deleting("mails, sessions and API tokens", delete_expired),
        ],
    )


async def _with_settings(step: BeforeDeletion, settings: Settings, account_id: UUID) -> None:
    await step(account_id, settings)


def _handlers(settings: Settings) -> Mapping[str, Handler]:
    send = transport(settings)

    async def send_mail(job: Job) -> None:
        ids = payload_of(job)
        await outbox.send(UUID(ids["owner_id"]), UUID(ids["mail_id"]), settings, send)

    async def start_reset(job: Job) -> None:
        await password_reset.start_reset(payload_of(job), settings)

    return {outbox.SEND_MAIL: send_mail, password_reset.START_RESET: start_reset}
