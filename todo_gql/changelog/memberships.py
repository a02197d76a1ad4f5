"""Noticing in all processes that somebody has joined a list of another person's.

Without it, who holds a connection open would not see the list, and others only once the cached viewer has
expired. That somebody has left needs no notice: statements check each membership.
"""

import time
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from todo_gql.database.connection import fetch
from todo_gql.security.memberships import memberships

# Flips bits of a person's id, so that the change log and the memberships have different topics.
MEMBERSHIP_BITS: Final = UUID("5c1de9f4-83b7-4a06-9e52-d6f70c8b21a3").int
MEMBERS: Final = """
SELECT u.id, u.membership_count > 0 AS is_member FROM users u
WHERE u.id = ANY($1) AND (u.membership_count > 0 OR u.shared_list_count > 0)
"""


def topic_of(user_id: UUID) -> UUID:
    """What stands for a person's memberships on the channel."""
    return UUID(int=user_id.int ^ MEMBERSHIP_BITS)


class MembershipFollower:
    """Follows who joins lists."""

    def wake(self, topics: Iterable[UUID]) -> None:
        """Notice who has joined; a topic of another kind stands for nobody."""
        memberships.join(topic_of(topic) for topic in topics)

    async def poll(self) -> None:
        """Notice who has joined without an announcement."""
        if user_ids := memberships.outside():
            read_at = time.monotonic()
            for row in await fetch(MEMBERS, user_ids):
                membership = memberships.of(row["id"])
                membership.read(is_member=row["is_member"], has_company=True, read_at=read_at)
