"""The clock of an operation in its viewer's time zone."""

from datetime import datetime
from typing import Final

from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import fetchrow
from todo_gql.security.authentication import Viewer

TIME_ZONE: Final = "SELECT time_zone FROM users WHERE id = $1"


async def viewer_clock(viewer: Viewer, now: datetime) -> LocalClock:
    """The clock at a moment in the zone of the viewer's profile, which is read."""
    row = await fetchrow(TIME_ZONE, viewer.id)
    return LocalClock(now, row["time_zone"] if row else None)
