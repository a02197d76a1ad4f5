"""Time zones of the IANA database, and the days of one.

The database is that of the package tzdata, the same on every machine.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Final, NewType
from zoneinfo import ZoneInfo

TimeZoneName = NewType("TimeZoneName", str)
"""The name of a zone in the IANA database, such as Europe/Berlin."""

# Both are stored as infinities, before and after every moment that clients can send.
FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)


@lru_cache(maxsize=1)
def time_zone_names() -> frozenset[str]:
    """The names of all zones, their aliases too."""
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    # What a machine has that nobody has set up.
    return frozenset(names) - {"Factory"}


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


UTC_ZONE: Final = _zone("UTC")


def time_zone(name: str | None) -> ZoneInfo:
    """The zone of a name; UTC for None, and for a name that the database doesn't have any more."""
    return _zone(name) if name in time_zone_names() and name else UTC_ZONE


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day of a moment in a zone; in UTC if no calendar has it there."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.astimezone(UTC).date()


@dataclass(frozen=True)
class LocalClock:
    """The moment of an operation, in the zone of its viewer: UTC if the profile names none."""

    now: datetime
    zone_name: str | None = None

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of the name."""
        return time_zone(self.zone_name)

    @cached_property
    def today(self) -> date:
        """The day that it is now."""
        return day_of(self.now, self.zone)

    def day_after(self, days: int) -> date | None:
        """The day so many days after today, or before it; None if no calendar has it."""
        try:
            return self.today + timedelta(days)
        except OverflowError:
            return None

    def start_of(self, day: date) -> datetime:
        """The first moment of a day.

        Where clocks go back over midnight, that is the first of its two midnights; where they skip
        midnight, it is the moment when they do.
        """
        try:
            return datetime.combine(day, time(), self.zone).astimezone(UTC)
        except OverflowError:
            return FIRST_MOMENT

    def end_of(self, day: date) -> datetime:
        """The first moment after a day."""
        return LAST_MOMENT if day == date.max else self.start_of(day + timedelta(1))
