"""What a worker does for notifications: reading feeds, mailing, and deleting what is old."""

from functools import partial

from pgqueuer.domain.models import Job

from todo_gql.features.feature import WorkerSetup
from todo_gql.features.notifications.email.outbox import (
    POLL_SECONDS,
    SEND_NOTIFICATION_MAIL,
    enqueue_due,
)
from todo_gql.features.notifications.email.sending import KINDS, OUTCOMES, send_notification_mail
from todo_gql.features.notifications.feed_reader import READ_SECONDS, FeedReader
from todo_gql.features.notifications.retention import purge_archived, purge_mails
from todo_gql.inbox import snoozes
from todo_gql.jobs.worker import Handler, MaintenanceStep, PeriodicTask, WorkerTasks
from todo_gql.mail.transport import transport
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings


def tasks(setup: WorkerSetup) -> WorkerTasks:
    """The worker's tasks for notifications."""
    purge = partial(purge_archived, setup.settings.notifications_retention_days)
    metrics().expect_mails(KINDS.values(), OUTCOMES)
    return WorkerTasks(
        handlers={SEND_NOTIFICATION_MAIL: _mail_handler(setup.settings)},
        maintenance=[
            MaintenanceStep.deleting("archived notifications", purge),
            MaintenanceStep.deleting("notes of mails", purge_mails),
        ],
        periodic=[
            PeriodicTask(
                "the feed reader",
                READ_SECONDS,
                FeedReader().run,
                on_failure=lambda: None,
                failed="feeds can't be read for notifications",
            ),
            PeriodicTask(
                "snoozes of notifications",
                snoozes.POLL_SECONDS,
                snoozes.end_snoozes,
                on_failure=lambda: None,
                failed="notifications whose snoozes have ended can't be sent again",
            ),
            PeriodicTask(
                "mails of notifications",
                POLL_SECONDS,
                enqueue_due,
                on_failure=lambda: None,
                failed="mails of notifications can't be enqueued",
            ),
        ],
    )


def _mail_handler(settings: Settings) -> Handler:
    send = transport(settings)

    async def send_mail(job: Job) -> None:
        await send_notification_mail(job, settings, send)

    return send_mail
