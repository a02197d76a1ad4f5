"""The secrets of webhooks, and the signatures made with them (Standard Webhooks 1.0).

No secret is stored: it follows from the server's key, the webhook's id, and how often it was replaced.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from standardwebhooks import Webhook

from todo_gql.database.connection import Values
from todo_gql.security.key_derivation import derived_key
from todo_gql.settings import Settings

PURPOSE: Final = "webhook secrets"
PREFIX: Final = "whsec_"
ROTATION: Final = timedelta(hours=24)
"""How long after a rotation the secret before signs, too."""

MAX_OLD_SECRETS: Final = 9
"""How many secrets sign beside the newest one, so that the header stays short."""


def webhook_secret(settings: Settings, webhook_id: UUID, generation: int) -> str:
    """The secret of a webhook: `whsec_` and 32 bytes in standard base64."""
    purpose = webhook_id.bytes + generation.to_bytes(4, "big")
    return (
        PREFIX + b64encode(hmac.digest(derived_key(settings, PURPOSE), purpose, "sha256")).decode()
    )


def signed_headers(
    settings: Settings, webhook: Values, delivery_id: UUID, body: str, now: datetime | None = None
) -> Mapping[str, str]:
    """The headers of a delivery: its id, which all attempts share, the moment, and the signatures."""
    now = now or datetime.now(UTC)
    newest = webhook["secret_generation"]
    ends = map(datetime.fromisoformat, orjson.loads(webhook["old_secrets_until"]))
    old = [newest - age for age, end in enumerate(ends, 1) if end > now]
    secrets = [webhook_secret(settings, webhook["id"], number) for number in (newest, *old)]
    message_id = str(delivery_id)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(message_id, now, body) for secret in secrets
        ),
    }
