"""The job that sends one notification to one browser."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.models import NotificationKind
from todo_gql.features.push.messages import SELECT_NOTIFICATION, URGENT, push_message
from todo_gql.features.push.turns import Turns
from todo_gql.jobs.queue import amend_payload, payload_of, time_left
from todo_gql.observability.metrics import metrics
from todo_gql.push.message import PushMessage
from todo_gql.push.sender import (
    Browser,
    PushDelayed,
    PushRefused,
    PushSender,
    SubscriptionGone,
)
from todo_gql.security.authentication import SESSION_IS_OPEN

logger = logging.getLogger(__name__)

SELECT_BROWSER: Final = f"""
SELECT p.endpoint, p.p256dh, p.auth, p.last_error FROM push_subscriptions p
WHERE p.owner_id = $1 AND p.id = $2 AND EXISTS (
    SELECT FROM sessions s JOIN users u ON u.id = s.owner_id
    WHERE s.owner_id = $1 AND s.id = p.session_id AND {SESSION_IS_OPEN} AND u.is_active)
"""
DELETE_BROWSER: Final = "DELETE FROM push_subscriptions WHERE owner_id = $1 AND id = $2"
SET_ERROR: Final = (
    "UPDATE push_subscriptions SET last_error = $3 WHERE owner_id = $1 AND id = $2"
    " AND last_error IS DISTINCT FROM $3"
)
FIRST_DELAY: Final = timedelta(seconds=15)
MAX_DELAY: Final = timedelta(hours=1)


class PushDelivery:
    """Sends pushes; `sender` is None where the server sends none."""

    def __init__(self, sender: PushSender | None) -> None:
        self.sender = sender
        self._turns = Turns()

    async def send(self, job: Job) -> None:
        """Send a push, unless the notification was read meanwhile, or its subject or browser is gone.

        Raises `RetryRequested` when the push service asks to wait, or doesn't answer.
        """
        ids = payload_of(job)
        if "sent_at" in ids:
            return
        owner_id, browser_id = UUID(ids["owner_id"]), UUID(ids["subscription_id"])
        with self._turns.of(owner_id):
            notification = await fetchrow(
                SELECT_NOTIFICATION, owner_id, UUID(ids["notification_id"])
            )
            browser = await fetchrow(SELECT_BROWSER, owner_id, browser_id)
            message = push_message(notification) if notification else None
            if not self.sender or not notification or not browser or not message:
                _count(notification, "withdrawn")
                return
            try:
                await self._post(self.sender, browser, notification, message)
            except SubscriptionGone:
                await fetch(DELETE_BROWSER, owner_id, browser_id)
                _count(notification, "gone")
            except PushRefused as error:
                await _fail(owner_id, browser_id, notification, str(error))
            except PushDelayed as error:
                await _delay(owner_id, browser_id, notification, error, job)
            else:
                await amend_payload(job, sent_at=datetime.now(UTC).isoformat())
                await fetch(SET_ERROR, owner_id, browser_id, None)
                _count(notification, "sent")
                metrics().push_lag.observe(_lateness(job).total_seconds())

    @staticmethod
    async def _post(
        sender: PushSender, browser: Row, notification: Row, message: PushMessage
    ) -> None:
        await sender.send(
            Browser(browser["endpoint"], browser["p256dh"], browser["auth"]),
            message,
            topic=message.tag,
            urgency="high" if notification["kind"] in URGENT else "normal",
        )


async def _delay(
    owner_id: UUID, browser_id: UUID, notification: Row, error: PushDelayed, job: Job
) -> None:
    """Have a push sent again later; raises `RetryRequested`, unless nobody would want it then."""
    wait = error.wait
    if wait is None:
        # As long again as it has been late, whatever it waited for: the attempts may be those of its turn.
        wait = min(max(_lateness(job), FIRST_DELAY), MAX_DELAY)
    left = time_left(job)
    if left is not None and wait >= left:
        await _fail(owner_id, browser_id, notification, str(error))
        return
    await fetch(SET_ERROR, owner_id, browser_id, str(error))
    _count(notification, "retried")
    logger.info("a push to %s is sent again in %s: %s", browser_id, wait, error)
    raise RetryRequested(max(wait, timedelta(seconds=1)), str(error)) from error


async def _fail(owner_id: UUID, browser_id: UUID, notification: Row, reason: str) -> None:
    """Note why a push isn't sent any more."""
    await fetch(SET_ERROR, owner_id, browser_id, reason)
    _count(notification, "failed")
    logger.warning(
        "a push isn't sent: %s",
        reason,
        extra={"owner_id": str(owner_id), "push_subscription_id": str(browser_id)},
    )


def _lateness(job: Job) -> timedelta:
    """For how long a push has been due."""
    due_at = datetime.fromisoformat(payload_of(job)["due_at"])
    return max(datetime.now(UTC) - due_at, timedelta(0))


def _count(notification: Row | None, outcome: str) -> None:
    """Count what became of a push; one whose notification is gone has no kind."""
    kind = NotificationKind(notification["kind"]).name.lower() if notification else ""
    metrics().pushes.labels(kind, outcome).inc()
