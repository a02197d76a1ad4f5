"""The clock of an operation in its viewer's time zone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import fetchrow
from todo_gql.security.authentication import Viewer

TIME_ZONE: Final = "SELECT time_zone FROM users WHERE id = $1"
HAS_SNOOZED: Final = (
    "EXISTS (SELECT FROM snoozes z WHERE z.person_id = $1 AND z.until > $2) AS has_snoozed"
)
"""SQL: whether a person has snoozed any todos at a moment."""
TIME_ZONE_AND_SNOOZES: Final = f"""
SELECT u.time_zone, {HAS_SNOOZED}
FROM users u WHERE u.id = $1
"""


@dataclass(frozen=True)
class FilterClock(LocalClock):
    """The clock by which a filter is evaluated, for whom, and whether they have snoozed any todos now.

    Without anybody it is good for checking a filter alone.
    """

    person_id: UUID | None = None
    has_snoozed: bool = False


async def viewer_clock(viewer: Viewer, now: datetime) -> LocalClock:
    """The clock at a moment in the zone of the viewer's profile, which is read."""
    row = await fetchrow(TIME_ZONE, viewer.id)
    return LocalClock(now, row["time_zone"] if row else None)


async def filter_clock(viewer: Viewer, now: datetime) -> FilterClock:
    """The clock of a viewer's filters at a moment: their zone and their snoozes are read."""
    row = await fetchrow(TIME_ZONE_AND_SNOOZES, viewer.id, now)
    if row is None:
        return FilterClock(now, person_id=viewer.id)
    return FilterClock(now, row["time_zone"], viewer.id, row["has_snoozed"])
