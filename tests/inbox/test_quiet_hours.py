"""When quiet hours end, by the wall clock of a zone."""

from datetime import datetime, time

import pytest

from todo_gql.api.time_zones import time_zone
from todo_gql.inbox.quiet_hours import QuietWindow, after_quiet_hours

NIGHT = [QuietWindow(day, time(22), time(7)) for day in range(1, 8)]
EARLY = [QuietWindow(day, time(1), time(2, 30)) for day in range(1, 8)]
NOON = [QuietWindow(1, time(12), time(13)), QuietWindow(1, time(13), time(14, 30))]
SUNDAY = [QuietWindow(7, time(0), time(0))]
ALWAYS = [QuietWindow(day, time(0), time(0)) for day in range(1, 8)]
CASES = [
    # 2026-11-30 is a Monday.
    ("Europe/Berlin", NIGHT, "2026-11-30T12:00+01:00", "2026-11-30T12:00+01:00"),
    ("Europe/Berlin", NIGHT, "2026-11-30T22:00+01:00", "2026-12-01T07:00+01:00"),
    ("Europe/Berlin", NIGHT, "2026-11-30T06:59:59+01:00", "2026-11-30T07:00+01:00"),
    ("Europe/Berlin", NIGHT, "2026-11-30T07:00+01:00", "2026-11-30T07:00+01:00"),
    ("Asia/Tokyo", NIGHT, "2026-11-30T13:00Z", "2026-11-30T22:00Z"),
    ("UTC", NOON, "2026-11-30T12:10Z", "2026-11-30T14:30Z"),
    ("UTC", NOON, "2026-12-01T12:10Z", "2026-12-01T12:10Z"),
    # The whole of Sunday, and neither the end of Saturday nor the first moment of Monday.
    ("UTC", SUNDAY, "2026-11-29T00:00Z", "2026-11-30T00:00Z"),
    ("UTC", SUNDAY, "2026-11-28T23:59Z", "2026-11-28T23:59Z"),
    ("UTC", SUNDAY, "2026-11-30T00:00Z", "2026-11-30T00:00Z"),
    # Clocks skip 02:30 on 28 March 2027 in Berlin, and show it twice on 31 October.
    ("Europe/Berlin", EARLY, "2027-03-28T00:30Z", "2027-03-28T01:30Z"),
    ("Europe/Berlin", EARLY, "2027-10-31T00:10Z", "2027-10-31T00:30Z"),
    ("Europe/Berlin", EARLY, "2027-10-31T01:10Z", "2027-10-31T01:30Z"),
    ("UTC", [], "2026-11-30T12:00Z", "2026-11-30T12:00Z"),
    ("UTC", ALWAYS, "2026-11-30T12:00Z", None),
]


@pytest.mark.parametrize(("zone", "windows", "moment", "expected"), CASES)
def test_end_of_quiet_hours(
    zone: str, windows: list[QuietWindow], moment: str, expected: str | None
) -> None:
    """What falls into quiet hours is moved to their end, over windows that follow each other."""
    moved = after_quiet_hours(datetime.fromisoformat(moment), windows, time_zone(zone))
    assert moved == (expected and datetime.fromisoformat(expected))
