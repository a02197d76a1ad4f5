"""Who is in lists of others, as far as this process knows."""

import time
from collections.abc import Iterable
from uuid import UUID
from weakref import WeakValueDictionary


class Membership:
    """Whether somebody is in lists of others; all viewers of one person in this process share it.

    It decides only which statements are sent: those for members check each membership in SQL, so that true
    is right for anybody, and false only for who is in no list of others.
    """

    __slots__ = ("__weakref__", "_joined_at", "is_member")

    def __init__(self, *, is_member: bool = False) -> None:
        self.is_member = is_member
        self._joined_at = float("-inf")

    def join(self) -> None:
        """Notice that the person has joined a list."""
        self.is_member = True
        self._joined_at = time.monotonic()

    def read(self, *, is_member: bool, read_at: float) -> None:
        """Take over what a statement sent at `read_at`, in seconds of the monotonic clock, has read."""
        self.is_member = is_member or self._joined_at >= read_at


class Memberships:
    """The memberships of the people who have viewers in this process."""

    def __init__(self) -> None:
        self._by_user: WeakValueDictionary[UUID, Membership] = WeakValueDictionary()

    def of(self, user_id: UUID) -> Membership:
        """The membership of a person, which exists as long as something refers to it."""
        membership = self._by_user.get(user_id)
        if membership is None:
            membership = self._by_user[user_id] = Membership()
        return membership

    def join(self, user_ids: Iterable[UUID]) -> None:
        """Notice that these people have joined lists; those without viewers here are ignored."""
        for user_id in user_ids:
            if membership := self._by_user.get(user_id):
                membership.join()

    def others(self) -> list[UUID]:
        """Those who aren't known to be in lists of others."""
        return [id for id, membership in self._by_user.items() if not membership.is_member]


memberships = Memberships()
