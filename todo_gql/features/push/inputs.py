"""What browsers send to subscribe, and how it is checked."""

from typing import Final

import strawberry

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.outbound.addresses import AllowedHosts
from todo_gql.outbound.urls import MAX_URL_LENGTH, url_problem
from todo_gql.push.encryption import AUTH_BYTES
from todo_gql.push.keys import receiver_key
from todo_gql.push.sender import Browser
from todo_gql.security.base64url import decoded, encoded
from todo_gql.settings import Settings

# Far above the lengths of the keys, so that nothing long is decoded.
MAX_KEY_LENGTH: Final = 200


@strawberry.input(description="What `PushSubscription.toJSON()` of a browser returns.")
class PushSubscribeInput:
    """A browser's push subscription."""

    endpoint: str = strawberry.field(
        description="The https URL of its push service; up to 2,000 characters."
    )
    p256dh: str = strawberry.field(
        description="`keys.p256dh`: an uncompressed point of the curve P-256, in URL-safe base64."
    )
    auth: str = strawberry.field(description="`keys.auth`: 16 bytes, in URL-safe base64.")


def read_subscription(
    input: PushSubscribeInput, settings: Settings
) -> tuple[Browser | None, list[UserError]]:
    """The subscription in an input, with its keys in one notation; None, and all problems, if it can't be."""
    errors: list[UserError] = []
    if problem := url_problem(input.endpoint, AllowedHosts.parse(settings.webhook_allowed_hosts)):
        is_long = len(input.endpoint) > MAX_URL_LENGTH
        code = ErrorCode.TOO_LONG if is_long else ErrorCode.INVALID
        errors.append(invalid(code, problem, "input", "endpoint"))
    p256dh, auth = _point(input.p256dh), _secret(input.auth)
    if p256dh is None:
        message = "This is no uncompressed point of P-256 in URL-safe base64."
        errors.append(invalid(ErrorCode.INVALID, message, "input", "p256dh"))
    if auth is None:
        message = f"These aren't {AUTH_BYTES} bytes in URL-safe base64."
        errors.append(invalid(ErrorCode.INVALID, message, "input", "auth"))
    if errors or p256dh is None or auth is None:
        return None, errors
    return Browser(input.endpoint, p256dh, auth), []


def _point(text: str) -> str | None:
    content = _decoded(text)
    try:
        receiver_key(content)
    except ValueError:
        return None
    return encoded(content)


def _secret(text: str) -> str | None:
    content = _decoded(text)
    return encoded(content) if len(content) == AUTH_BYTES else None


def _decoded(text: str) -> bytes:
    """The bytes of a key; none for a text that holds no key."""
    try:
        return decoded(text) if len(text) <= MAX_KEY_LENGTH else b""
    except ValueError:
        return b""
