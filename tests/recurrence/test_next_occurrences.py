"""The table of next occurrences, whose answers come from `reckoning` and from python-dateutil.

Both agreed on each of them, but for weekly rules with BYSETPOS, where python-dateutil leaves the days
before the first due date out of its week. Clock changes are those of past years, which don't change any more.
"""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.recurrence.reckoning import moment
from todo_gql.api.time_zones import TimeZoneName, time_zone
from todo_gql.recurrence.normalization import begin
from todo_gql.recurrence.recurrences import RecurrenceMode
from todo_gql.recurrence.series import Occurrence

CASES = [
    line
    for line in (Path(__file__).parent / "next_occurrences.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("case", CASES)
def test_next_due_dates_are_those_of_the_table(case: str) -> None:
    """Each completion leads to the next due date that the table has, and the last one ends the series."""
    zone_name, first, rule, mode_name, completed, expected = case.split(" | ")
    zone = time_zone(zone_name)
    mode, _, catches_up = mode_name.partition(" ")
    due = _due(first, zone)
    recurrence, moved_to = begin(
        rule, RecurrenceMode(mode), TimeZoneName(zone_name), due, catches_up=bool(catches_up)
    )
    assert moved_to is None
    for number, answer in enumerate(expected.split()):
        on_time = due if isinstance(due, datetime) else moment(due, time(12), zone)
        was_then = number == 0 and completed != "on time"
        now = datetime.fromisoformat(completed).replace(tzinfo=UTC) if was_then else on_time
        following = recurrence.after_completion(due, now)
        assert _text(following) == answer
        if following is not None:
            due = following.at or following.date
            recurrence = recurrence.completed_once()


def test_the_table_has_hundreds_of_cases_of_every_mode() -> None:
    """The table has at least 400 cases, with each mode, and zones of both hemispheres."""
    assert len(CASES) >= 400
    assert {case.split(" | ")[3] for case in CASES} == {
        "SCHEDULE",
        "SCHEDULE catchesUp",
        "COMPLETION",
    }
    zones = {case.split(" | ")[0] for case in CASES}
    assert {"Africa/Cairo", "Australia/Lord_Howe", "Europe/Berlin", "Pacific/Apia"} <= zones


def _due(text: str, zone: ZoneInfo) -> date | datetime:
    if " " not in text:
        return date.fromisoformat(text)
    local = datetime.fromisoformat(text)
    return moment(local.date(), local.time(), zone)


def _text(occurrence: Occurrence | None) -> str:
    if occurrence is None:
        return "-"
    if occurrence.at is None:
        return occurrence.date.isoformat()
    return f"{occurrence.at:%Y-%m-%dT%H:%MZ}"
