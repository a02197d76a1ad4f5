"""Sending a message to a browser's push service (RFC 8030), once."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Final, Literal, NamedTuple

from todo_gql.api.text import cleaned
from todo_gql.outbound.client import Answer, OutboundClient, RequestFailed, RequestRefused
from todo_gql.outbound.retry_after import retry_after
from todo_gql.push.encryption import encrypt
from todo_gql.push.keys import PushKey
from todo_gql.push.message import MAX_PAYLOAD_BYTES, PushMessage
from todo_gql.push.vapid import authorization
from todo_gql.security.base64url import decoded, encoded

LIFETIME: Final = timedelta(hours=24)
"""How long a push service stores a message for a browser that is offline, and how long it is retried."""

TOPIC_BYTES: Final = 24
"""32 characters in base64, the most that a topic has (RFC 8030, section 5.4)."""

MIN_PAYLOAD_BYTES: Final = 128
MAX_REASON_LENGTH: Final = 200
GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
TEMPORARY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Browser(NamedTuple):
    """A browser's push subscription: URL and keys, in URL-safe base64."""

    endpoint: str
    p256dh: str
    auth: str


class SubscriptionGone(Exception):
    """The push service doesn't know the subscription any more: it is to be deleted."""


class PushRefused(Exception):
    """The push service doesn't take the message, and won't later; the message says why."""


class PushDelayed(Exception):
    """The message may be taken later; `wait` is how long the push service asked to wait, if it did."""

    def __init__(self, reason: str, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class PushSender(NamedTuple):
    """Sends messages with the server's key, by a client that refuses what isn't public."""

    client: OutboundClient
    key: PushKey
    subject: str

    async def send(
        self,
        browser: Browser,
        message: PushMessage,
        topic: str,
        urgency: Literal["normal", "high"] = "normal",
    ) -> None:
        """Send a message, which replaces one of the same topic that wasn't delivered yet.

        One that is too long for the push service is shortened. Raises `SubscriptionGone`, `PushRefused`
        or `PushDelayed` if it isn't accepted.
        """
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(int(LIFETIME.total_seconds())),
            "Topic": encoded(sha256(topic.encode()).digest()[:TOPIC_BYTES]),
            "Urgency": urgency,
        }
        limit = MAX_PAYLOAD_BYTES
        while True:
            payload = message.payload(limit)
            answer = await self._post(browser, payload, headers)
            if answer.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE or limit < MIN_PAYLOAD_BYTES:
                return _check(answer)
            limit = min(limit, len(payload)) // 2

    async def _post(self, browser: Browser, payload: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            body = encrypt(payload, decoded(browser.p256dh), decoded(browser.auth))
            signed = authorization(browser.endpoint, self.subject, self.key)
            return await self.client.post(
                browser.endpoint, body, {**headers, "Authorization": signed}
            )
        except RequestRefused as error:
            raise PushRefused(str(error)) from error
        except RequestFailed as error:
            raise PushDelayed(str(error)) from error


def _check(answer: Answer) -> None:
    """Raise what an answer means, unless the message was accepted (RFC 8030, section 5)."""
    status = answer.status
    if status // 100 == HTTPStatus.OK // 100:
        return
    if status in GONE:
        raise SubscriptionGone
    if status in TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise PushDelayed(_reason(answer), retry_after(answer.headers.get("Retry-After")))
    raise PushRefused(_reason(answer))


def _reason(answer: Answer) -> str:
    """The status and the start of the answer, in printable characters."""
    said = cleaned(answer.body.decode(errors="replace"), MAX_REASON_LENGTH) or ""
    return f"The push service answered {answer.status}: {said}".rstrip(": ")
