"""The time zones of calendars: by names of the IANA database, of Windows, and of programs' own.

A zone is always one of the database, so that a todo can name it; definitions are never evaluated.
"""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from todo_gql.api.time_zones import time_zone, time_zone_names
from todo_gql.importing.ical_lines import Component

_WINTER, _SUMMER = datetime(2026, 1, 15), datetime(2026, 7, 15)  # noqa: DTZ001 # on the clocks of zones
# Where most people live who have these offsets.
_USUAL: Final = (
    "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Moscow", "America/New_York",
    "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Sao_Paulo",
    "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Jakarta", "Asia/Shanghai",
    "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "UTC",
)  # fmt: skip
_MAX_NAME_LENGTH: Final = 200
_MAX_NAME_PARTS: Final = 3


class CalendarZones:
    """The zones that a calendar's times name; `default` is the zone of those that name none."""

    def __init__(self, default: ZoneInfo) -> None:
        self.default = default
        self._defined: dict[str, ZoneInfo] = {}

    def define(self, component: Component) -> None:
        """Know a zone by what its definition says besides its rules: where it is, or its offsets."""
        name = component.text("TZID")
        zone = named(name) or named(component.text("X-LIC-LOCATION")) or self._by_offsets(component)
        if zone:
            self._defined[name] = zone

    def zone(self, name: str) -> ZoneInfo | None:
        """The zone of a name; None for an unknown one."""
        return self._defined.get(name) or named(name)

    def _by_offsets(self, component: Component) -> ZoneInfo | None:
        offsets = {
            part.name: offset
            for part in component.components
            if (offset := _offset(part.text("TZOFFSETTO"))) is not None
        }
        standard = offsets.get("STANDARD")
        if standard is None:
            return None
        clocks = {standard, offsets.get("DAYLIGHT", standard)}
        for zone in (self.default, *map(time_zone, _USUAL)):
            if {zone.utcoffset(_WINTER), zone.utcoffset(_SUMMER)} == clocks:
                return zone
        return None


def named(name: str) -> ZoneInfo | None:
    """The zone of a name in the IANA database, of Windows, or with a program's path before it."""
    if not name or len(name) > _MAX_NAME_LENGTH:
        return None
    name = name.strip().strip('"')
    parts = name.split("/")
    candidates = [name, WINDOWS_TO_OLSON.get(name, "")]
    candidates += ["/".join(parts[-count:]) for count in range(1, _MAX_NAME_PARTS + 1)][::-1]
    for candidate in candidates:
        # A part alone names no zone, except where the whole name is one: CET, or a path's end.
        if candidate in time_zone_names() and (
            "/" in candidate or len(parts) == 1 or candidate == "UTC"
        ):
            return time_zone(candidate)
    return None


def _offset(text: str) -> timedelta | None:
    digits = text[1:]
    if text[:1] not in ("+", "-") or len(digits) not in (4, 6) or not digits.isdecimal():
        return None
    offset = timedelta(
        hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:] or 0)
    )
    return -offset if text[0] == "-" else offset
