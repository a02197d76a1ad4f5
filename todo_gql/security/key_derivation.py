"""Derivation of one key per purpose from the secret key, with HMAC-SHA-256."""

import hmac
from functools import lru_cache

from todo_gql.settings import Settings


def derived_key(settings: Settings, purpose: str) -> bytes:
    """The key for `purpose`, 32 bytes; raises `LookupError` if no secret key is set."""
    return _derived(settings.key, purpose)


@lru_cache(maxsize=16)
def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"todo_gql {purpose}".encode(), "sha256")
