"""A short memory of what access tokens opened."""

import time
from collections import OrderedDict
from typing import Generic, TypeVar
from uuid import UUID

MOST_REMEMBERED = 4_096
# Longer than a transaction that ends sessions takes from its first statement to its commit.
UNSETTLED_SECONDS = 15

Opened = TypeVar("Opened")


class TokenMemory(Generic[Opened]):
    """What tokens opened a moment ago, each for one owner.

    Whoever ends sessions in this process says so. From then on nothing is remembered of the owner
    until all that was under way is settled.
    """

    def __init__(self) -> None:
        self._opened: OrderedDict[str, tuple[UUID, Opened, float]] = OrderedDict()
        self._unsettled: dict[UUID, float] = {}

    def recall(self, token: str) -> Opened | None:
        """What a token opens, if that was remembered and not for too long."""
        known = self._opened.get(token)
        if known is None:
            return None
        if time.monotonic() < known[2]:
            return known[1]
        del self._opened[token]
        return None

    def remember(self, token: str, owner_id: UUID, opened: Opened, until: float) -> None:
        """Remember what an owner's token opened until a moment of the monotonic clock."""
        if self._unsettled.get(owner_id, 0) > time.monotonic():
            return
        self._opened[token] = owner_id, opened, until
        if len(self._opened) > MOST_REMEMBERED:
            self._opened.popitem(last=False)

    def forget(self, owner_id: UUID) -> None:
        """Forget an owner, whose sessions or rights are about to change or just have."""
        now = time.monotonic()
        self._unsettled = {id: until for id, until in self._unsettled.items() if until > now}
        self._unsettled[owner_id] = now + UNSETTLED_SECONDS
        for token in [token for token, known in self._opened.items() if known[0] == owner_id]:
            del self._opened[token]
