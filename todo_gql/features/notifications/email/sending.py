"""Sends mails of notifications: what is still unread, to addresses that are verified."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from pgqueuer.domain.models import Job

from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.models import NotificationMailKind
from todo_gql.features.notifications.email.contents import Contents, contents_of, lines_of
from todo_gql.features.notifications.email.rendering import compose_notifications
from todo_gql.features.notifications.email.unsubscribing import Unsubscription
from todo_gql.inbox.preferences import PREFERENCE_COLUMNS, Preferences
from todo_gql.jobs.queue import MAX_ATTEMPTS, payload_of
from todo_gql.mail.message import Envelope
from todo_gql.mail.transport import Transport
from todo_gql.observability.metrics import metrics
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

SELECT_MAIL: Final = f"""
SELECT m.kind, m.notification_ids, m.created_at, m.sent_at, u.username, u.email, u.email_verified_at,
    u.is_active, u.deletion_at, {PREFERENCE_COLUMNS}
FROM notification_mails m JOIN users u ON u.id = m.owner_id
    LEFT JOIN notification_preferences p ON p.owner_id = m.owner_id
WHERE m.owner_id = $1 AND m.id = $2
"""
MARK_SENT: Final = """
UPDATE notification_mails SET sent_at = now(), unsent_reason = NULL WHERE owner_id = $1 AND id = $2
"""
MARK_UNSENT: Final = """
UPDATE notification_mails SET unsent_reason = left($3, 200) WHERE owner_id = $1 AND id = $2
"""
KINDS: Final = {
    NotificationMailKind.BUNDLE: "notifications",
    NotificationMailKind.DIGEST: "digest",
}
"""What the kinds of mail are called in the metrics."""

OUTCOMES: Final = ("sent", "failed", "retried", "unsent")
NOTHING_LEFT: Final = "all of it was read, archived, snoozed, done, deleted or switched off before"


WAITING: Final = "it waits in the queue: is a worker running?"
SELECT_UNSENT: Final = """
SELECT id, owner_id, kind, created_at, unsent_reason FROM notification_mails
WHERE sent_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1
"""


async def unsent_mails(limit: int) -> list[Row]:
    """The newest mails that weren't sent, with why if that is known; raises what `fetch` raises."""
    return await fetch(SELECT_UNSENT, limit)


@dataclass(frozen=True, slots=True)
class NotificationMail:
    """A mail that was enqueued, as it is stored."""

    owner_id: UUID
    id: UUID
    row: Row

    @property
    def kind(self) -> NotificationMailKind:
        """What it is."""
        return NotificationMailKind(self.row["kind"])

    @property
    def preferences(self) -> Preferences:
        """How its recipient is notified now."""
        return Preferences.of_row(self.row)

    def refusal(self) -> str | None:
        """Why its recipient gets no mails; None if they do."""
        if not self.row["is_active"]:
            return "the account is disabled"
        if self.row["deletion_at"] is not None:
            return "the account is about to be deleted"
        if self.row["email_verified_at"] is None:
            return "the address isn't verified"
        if self.kind is NotificationMailKind.DIGEST and self.preferences.digest_at is None:
            return "the digest is switched off"
        return None


async def send_notification_mail(job: Job, settings: Settings, transport: Transport) -> None:
    """Send the mail of a job, unless it was sent already or there is no reason for it now.

    Raises what the transport raises; why a mail isn't sent is stored with it, and logged.
    """
    ids = payload_of(job)
    owner_id, mail_id = UUID(ids["owner_id"]), UUID(ids["mail_id"])
    row = await fetchrow(SELECT_MAIL, owner_id, mail_id)
    if row is None or row["sent_at"]:
        return
    mail = NotificationMail(owner_id, mail_id, row)
    contents = (
        None if (refusal := mail.refusal()) else await contents_of(mail.owner_id, *_what(mail))
    )
    if contents is None or not contents.rows:
        await _note_unsent(mail, refusal or NOTHING_LEFT)
        return
    await _deliver(mail, contents, job, settings, transport)


def _what(mail: NotificationMail) -> tuple[Sequence[UUID] | None, Preferences]:
    ids = mail.row["notification_ids"]
    is_digest = mail.kind is NotificationMailKind.DIGEST
    return None if is_digest else [UUID(id) for id in orjson.loads(ids)], mail.preferences


async def _deliver(
    mail: NotificationMail, contents: Contents, job: Job, settings: Settings, transport: Transport
) -> None:
    is_digest = mail.kind is NotificationMailKind.DIGEST
    kinds = {row["kind"] for row in contents.rows}
    unsubscription = (
        Unsubscription(mail.owner_id, is_of_digest=True)
        if is_digest
        else Unsubscription.of(mail.owner_id, kinds)
    )
    message = compose_notifications(
        lines_of(contents, mail.preferences.zone),
        contents.total,
        Envelope(mail.id, settings.sender, mail.row["email"], mail.row["created_at"]),
        unsubscription.link(settings),
        unsubscription.words,
        is_digest=is_digest,
    )
    try:
        await transport(message)
    except Exception as error:
        is_final = job.attempts + 1 >= MAX_ATTEMPTS
        count(mail, "failed" if is_final else "retried")
        await fetch(MARK_UNSENT, mail.owner_id, mail.id, f"the mail server: {error}")
        raise
    count(mail, "sent")
    await fetch(MARK_SENT, mail.owner_id, mail.id)


async def _note_unsent(mail: NotificationMail, reason: str) -> None:
    count(mail, "unsent")
    await fetch(MARK_UNSENT, mail.owner_id, mail.id, reason)
    logger.info(
        "a mail of notifications isn't sent: %s", reason, extra={"owner_id": str(mail.owner_id)}
    )


def count(mail: NotificationMail, outcome: str) -> None:
    """Count what became of a mail, in the metrics."""
    metrics().mails.labels(KINDS[mail.kind], outcome).inc()
