"""Who is in lists of others, as far as this process knows."""

import time
from collections.abc import Iterable
from uuid import UUID
from weakref import WeakValueDictionary


class Membership:
    """Whether somebody is in lists of others, and shares any; all viewers of one person here have the same.

    It decides only which statements are sent: those for members check each membership in SQL, so that true
    is right for anybody, and false only for who is in no list of others, or shares none. Who ever was in one, or
    had a todo taken to one, has company for good: their log names lists that they may not see any more.
    """

    __slots__ = ("__weakref__", "_joined_at", "has_company", "is_member")

    def __init__(self, *, is_member: bool = False, has_company: bool = False) -> None:
        self.is_member = is_member
        self.has_company = has_company or is_member
        self._joined_at = float("-inf")

    def join(self) -> None:
        """Notice that somebody has joined a list of the person's, or the person one of others."""
        self.is_member = self.has_company = True
        self._joined_at = time.monotonic()

    def read(self, *, is_member: bool, has_company: bool, read_at: float) -> None:
        """Take over what a statement sent at `read_at`, in seconds of the monotonic clock, has read."""
        joined = self._joined_at >= read_at
        self.is_member = is_member or joined
        self.has_company = has_company or self.is_member


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

    def outside(self) -> list[UUID]:
        """Those who aren't known to be in lists of others."""
        return [id for id, membership in self._by_user.items() if not membership.is_member]


memberships = Memberships()
