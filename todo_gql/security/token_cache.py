"""A cache of the viewers of access tokens, invalidated when sessions end in this process."""

import time
from collections import OrderedDict
from typing import Generic, TypeVar
from uuid import UUID

MAX_ENTRIES = 4_096
# Longer than a transaction that ends sessions takes from its first statement to its commit.
INVALIDATION_SECONDS = 15

Value = TypeVar("Value")


class ViewerCache(Generic[Value]):
    """Values by access token, each of one owner; a least recently added entry is evicted first.

    After `invalidate`, nothing is cached for the owner for `INVALIDATION_SECONDS`: a transaction in
    progress may still read, and cache, the state before it.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[UUID, Value, float]] = OrderedDict()
        self._invalidated: dict[UUID, float] = {}

    def get(self, token: str) -> Value | None:
        """The value of a token, or None if it isn't cached or has expired."""
        entry = self._entries.get(token)
        if entry is None:
            return None
        if time.monotonic() < entry[2]:
            return entry[1]
        del self._entries[token]
        return None

    def add(self, token: str, owner_id: UUID, value: Value, expires_at: float) -> None:
        """Cache a value until `expires_at`, in seconds of the monotonic clock."""
        if self._invalidated.get(owner_id, 0) > time.monotonic():
            return
        self._entries[token] = owner_id, value, expires_at
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def invalidate(self, owner_id: UUID) -> None:
        """Remove the entries of an owner whose sessions or rights are about to change, or just have."""
        now = time.monotonic()
        self._invalidated = {id: until for id, until in self._invalidated.items() if until > now}
        self._invalidated[owner_id] = now + INVALIDATION_SECONDS
        for token in [token for token, entry in self._entries.items() if entry[0] == owner_id]:
            del self._entries[token]
