"""One key per purpose, all of them made from the secret key."""

import hmac

from todo_gql.settings import Settings


def derived_key(settings: Settings, purpose: str) -> bytes:
    """The 32 bytes that serve `purpose` and nothing else; `LookupError` without a secret key."""
    return hmac.digest(settings.key, f"todo_gql {purpose}".encode(), "sha256")
