"""One key per purpose, all of them made from the secret key."""

import hmac
from functools import lru_cache

from todo_gql.settings import Settings


def derived_key(settings: Settings, purpose: str) -> bytes:
    """The 32 bytes that serve `purpose` and nothing else; `LookupError` without a secret key."""
    return _derived(settings.key, purpose)


@lru_cache(maxsize=16)
def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"todo_gql {purpose}".encode(), "sha256")
