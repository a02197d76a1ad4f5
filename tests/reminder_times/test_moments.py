"""When relative reminders fire, by the clocks of zones of both hemispheres."""

from datetime import UTC, date, datetime

import pytest

from todo_gql.api.durations import Duration
from todo_gql.database.models import ReminderAnchor
from todo_gql.reminder_times.moments import TodoDates, next_firing

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
SYDNEY, LORD_HOWE, CAIRO = "Australia/Sydney", "Australia/Lord_Howe", "Africa/Cairo"

# Clocks go forward in Berlin on 2027-03-28 at 2:00, in New York on 2027-03-14 at 2:00, in Sydney on
# 2027-10-03 at 2:00, on Lord Howe by half an hour, in Cairo on 2027-04-30 at 0:00. They go back in Berlin on
# 2027-10-31 at 3:00, in Sydney on 2027-04-04 at 3:00.
OF_MOMENTS = [
    # Hours, minutes and seconds move the instant.
    (BERLIN, "2027-03-28T01:10Z", "-PT15M", "2027-03-28T00:55Z"),
    (BERLIN, "2027-03-28T07:00Z", "-PT24H", "2027-03-27T07:00Z"),
    (BERLIN, "2027-10-31T08:00Z", "-PT24H", "2027-10-30T08:00Z"),
    (BERLIN, "2027-03-28T07:00Z", "PT90S", "2027-03-28T07:01:30Z"),
    (SYDNEY, "2027-10-02T22:00Z", "-PT24H", "2027-10-01T22:00Z"),
    # Days and weeks move the wall clock.
    (BERLIN, "2027-03-28T07:00Z", "-P1D", "2027-03-27T08:00Z"),
    (BERLIN, "2027-03-28T07:00Z", "-P1W", "2027-03-21T08:00Z"),
    (BERLIN, "2027-03-27T08:00Z", "P1D", "2027-03-28T07:00Z"),
    (BERLIN, "2027-10-31T08:00Z", "-P1D", "2027-10-30T07:00Z"),
    (NEW_YORK, "2027-03-14T13:00Z", "-P1D", "2027-03-13T14:00Z"),
    (SYDNEY, "2027-10-02T22:00Z", "-P1D", "2027-10-01T23:00Z"),
    (SYDNEY, "2027-04-04T23:00Z", "-P1W", "2027-03-28T22:00Z"),
    ("Asia/Tokyo", "2027-03-28T07:00Z", "-P1D", "2027-03-27T07:00Z"),
    (None, "2027-03-28T07:00Z", "-P1D", "2027-03-27T07:00Z"),
    # First the days, then the hours.
    (BERLIN, "2027-03-28T07:00Z", "-P1DT12H", "2027-03-26T20:00Z"),
    (BERLIN, "2027-03-29T07:00Z", "-P1DT8H", "2027-03-27T23:00Z"),
    # A time that clocks skip is the later one.
    (BERLIN, "2027-03-29T00:30Z", "-P1D", "2027-03-28T01:30Z"),
    (BERLIN, "2027-03-27T01:30Z", "P1D", "2027-03-28T01:30Z"),
    (SYDNEY, "2027-10-03T15:30Z", "-P1D", "2027-10-02T16:30Z"),
    (LORD_HOWE, "2027-10-03T15:15Z", "-P1D", "2027-10-02T15:45Z"),
    # Of a time that they show twice the first counts.
    (BERLIN, "2027-11-01T01:30Z", "-P1D", "2027-10-31T00:30Z"),
    (SYDNEY, "2027-04-04T16:30Z", "-P1D", "2027-04-03T15:30Z"),
    # The second one itself is no other moment.
    (BERLIN, "2027-10-31T01:30Z", "PT0S", "2027-10-31T01:30Z"),
    (BERLIN, "2027-10-31T01:30Z", "-PT30M", "2027-10-31T01:00Z"),
    (BERLIN, "2027-10-31T01:30Z", "-P1D", "2027-10-30T00:30Z"),
    # What no calendar has never fires.
    (BERLIN, "0001-01-05T00:00Z", "-P1W", None),
    (BERLIN, "9999-12-30T00:00Z", "P1W", None),
    (BERLIN, "2027-01-01T00:00Z", "P999999999W", None),
    (BERLIN, "2027-01-01T00:00Z", "-PT999999999H999999999M", None),
]
OF_DAYS = [
    (BERLIN, "2026-12-01", "PT9H", "2026-12-01T08:00Z"),
    (BERLIN, "2026-12-01", "-PT15H", "2026-11-30T08:00Z"),
    (BERLIN, "2026-12-01", "PT0S", "2026-11-30T23:00Z"),
    (BERLIN, "2026-12-01", "-P1DT6H", "2026-11-29T17:00Z"),
    ("Asia/Tokyo", "2026-12-01", "PT9H", "2026-12-01T00:00Z"),
    ("America/Los_Angeles", "2026-12-01", "PT9H", "2026-12-01T17:00Z"),
    ("Pacific/Kiritimati", "2026-12-01", "PT9H", "2026-11-30T19:00Z"),
    (None, "2026-12-01", "PT9H", "2026-12-01T09:00Z"),
    # Nine hours after midnight, which clocks show as 10:00 and as 8:00 on days of a change.
    (BERLIN, "2027-03-28", "PT9H", "2027-03-28T08:00Z"),
    (BERLIN, "2027-10-31", "PT9H", "2027-10-31T07:00Z"),
    (SYDNEY, "2027-10-03", "PT9H", "2027-10-02T23:00Z"),
    (BERLIN, "2027-03-29", "-P1D", "2027-03-27T23:00Z"),
    (BERLIN, "2027-03-28", "P1D", "2027-03-28T22:00Z"),
    (BERLIN, "2027-03-28", "-P1W", "2027-03-20T23:00Z"),
    # A day whose midnight clocks skip begins when they do; the days beside it don't.
    (CAIRO, "2027-04-30", "PT0S", "2027-04-29T22:00Z"),
    (CAIRO, "2027-05-01", "-P1D", "2027-04-29T22:00Z"),
    (CAIRO, "2027-04-30", "-P1D", "2027-04-28T22:00Z"),
    (CAIRO, "2027-04-30", "P1D", "2027-04-30T21:00Z"),
    (BERLIN, "0001-01-01", "PT0S", None),
    ("America/Los_Angeles", "9999-12-31", "PT23H", None),
]
NO_DATES = TodoDates(None, None, None, None, None)


def instant(text: str | None) -> datetime | None:
    """The moment that a text is, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


@pytest.mark.parametrize(("zone", "anchor", "offset", "expected"), OF_MOMENTS)
@pytest.mark.parametrize("kind", ReminderAnchor)
def test_offset_from_a_moment(
    kind: ReminderAnchor, zone: str | None, anchor: str, offset: str, expected: str | None
) -> None:
    """Days move the wall clock and hours the instant, in gaps and folds too."""
    moment = datetime.fromisoformat(anchor).astimezone(UTC)
    is_due = kind is ReminderAnchor.DUE
    dates = NO_DATES._replace(due_at=moment) if is_due else NO_DATES._replace(start_at=moment)
    assert dates.moment(kind, Duration.parse(offset), zone) == instant(expected)


@pytest.mark.parametrize(("zone", "anchor", "offset", "expected"), OF_DAYS)
@pytest.mark.parametrize("kind", ReminderAnchor)
def test_offset_from_a_day(
    kind: ReminderAnchor, zone: str | None, anchor: str, offset: str, expected: str | None
) -> None:
    """A day is its midnight in the person's zone, whatever the zone of the todo."""
    day = date.fromisoformat(anchor)
    is_due = kind is ReminderAnchor.DUE
    dates = NO_DATES._replace(due_date=day) if is_due else NO_DATES._replace(start_date=day)
    assert dates.moment(kind, Duration.parse(offset), zone) == instant(expected)


def test_wall_clock_is_that_of_the_todo() -> None:
    """Days before a moment are counted where it is due, for people elsewhere too."""
    dates = NO_DATES._replace(due_at=instant("2027-03-28T07:00Z"), due_time_zone=BERLIN)
    moment = dates.moment(ReminderAnchor.DUE, Duration.parse("-P1D"), "Asia/Tokyo")
    assert moment == instant("2027-03-27T08:00Z")


@pytest.mark.parametrize("kind", ReminderAnchor)
def test_reminder_without_its_anchor_has_no_moment(kind: ReminderAnchor) -> None:
    """A todo without a due date, or without a start, has nothing to be relative to."""
    moment, is_due = instant("2027-01-01T00:00Z"), kind is ReminderAnchor.DUE
    dates = NO_DATES._replace(start_at=moment) if is_due else NO_DATES._replace(due_at=moment)
    assert dates.moment(kind, Duration.parse("PT0S"), BERLIN) is None


NOW, EARLIER, LATER = (instant(f"2027-01-01T0{hour}:00Z") for hour in (8, 7, 9))


@pytest.mark.parametrize(
    ("moment", "pending", "fired_at", "expected"),
    [
        (None, LATER, None, None),
        (LATER, None, None, LATER),
        (LATER, EARLIER, EARLIER, LATER),
        # What has passed doesn't fire, unless no worker was there for it.
        (EARLIER, None, None, None),
        (NOW, None, None, None),
        (EARLIER, LATER, None, None),
        (EARLIER, EARLIER, None, EARLIER),
        # The clock was put back after it fired.
        (LATER, None, LATER, None),
    ],
)
def test_next_firing(
    moment: datetime | None,
    pending: datetime | None,
    fired_at: datetime | None,
    expected: datetime | None,
) -> None:
    """A reminder fires once for a moment that lies ahead, or that no worker was there for."""
    assert NOW is not None
    assert next_firing(moment, NOW, pending=pending, fired_at=fired_at) == expected
