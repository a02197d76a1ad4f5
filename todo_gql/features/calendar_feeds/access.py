"""The calendar feeds that a viewer may see, and the one that a secret opens."""

from hashlib import sha256
from typing import Final

from todo_gql.database.connection import Row, fetchrow
from todo_gql.database.models import CalendarFeed
from todo_gql.database.select import SelectQuery
from todo_gql.security.access import columns, owned
from todo_gql.security.authentication import Viewer

SECRET_BYTES: Final = 32
FEED_COLUMNS = columns(CalendarFeed, "f", without=frozenset({"secret_hash"}))

# Whatever a feed shows is in its owner's log: that has a new number when the feed may have to be read again.
FEED_OF_SECRET: Final = f"""
SELECT {", ".join(FEED_COLUMNS)}, u.username, u.time_zone, u.membership_count > 0 AS is_member,
    coalesce(s.seq, 0) AS seq
FROM calendar_feeds f JOIN users u ON u.id = f.owner_id LEFT JOIN feeds s ON s.owner_id = f.owner_id
WHERE f.secret_hash = $1 AND u.is_active AND (u.deletion_at IS NULL OR u.deletion_at > now())
"""


def visible_calendar_feeds(viewer: Viewer) -> SelectQuery:
    """The viewer's calendar feeds `f`."""
    return owned("calendar_feeds f", "f", viewer.id)


def hash_of(secret: str) -> bytes:
    """What is stored of a secret: there is no need to slow down guessing one of 256 bits."""
    return sha256(secret.encode()).digest()


async def feed_of_secret(secret: str) -> Row | None:
    """The feed that a secret opens, with what is needed of its owner; None where there is none.

    Nothing opens the feeds of an account that is disabled, or due to be deleted.
    """
    return await fetchrow(FEED_OF_SECRET, hash_of(secret))
