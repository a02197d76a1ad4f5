"""The moment of a reminder that is relative to when its todo is due or starts.

Weeks and days move the wall clock, hours, minutes and seconds move the instant (as RFC 5545, section
3.3.6, has it). The zone is attached last, and through UTC: a time that the clocks skip is the later one,
of a time that they show twice the first counts.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from todo_gql.api.durations import Duration
from todo_gql.api.time_zones import FIRST_MOMENT, LAST_MOMENT, time_zone
from todo_gql.database.connection import Values
from todo_gql.database.models import ReminderAnchor

DATE_COLUMNS = ("due_at", "due_date", "due_time_zone", "start_at", "start_date")
"""The columns of a todo from which its relative reminders follow."""

UNKNOWN = datetime.min  # noqa: DTZ901 - as asyncpg reads -infinity
"""Stands for the moment of a reminder whose due date the previous release has moved.

A worker claims the reminder before all others, and computes the moment.
"""


class TodoDates(NamedTuple):
    """When a todo is due and starts: at a moment in its zone, or on a day."""

    due_at: datetime | None = None
    due_date: date | None = None
    due_time_zone: str | None = None
    start_at: datetime | None = None
    start_date: date | None = None

    @classmethod
    def of(cls, row: Values) -> Self:
        """The dates in a row with `DATE_COLUMNS`."""
        return cls(*(row[name] for name in DATE_COLUMNS))

    def moment(self, anchor: int, offset: Duration, person_zone: str | None) -> datetime | None:
        """When a reminder of a person fires; None without its anchor, or beyond the calendar.

        A day begins in the person's zone. A moment has the wall clock of the todo's zone, or else of
        the person's.
        """
        is_due = anchor == ReminderAnchor.DUE
        instant, day = (self.due_at, self.due_date) if is_due else (self.start_at, self.start_date)
        try:
            if instant is not None:
                zone = time_zone(self.due_time_zone or person_zone)
                moment = _moved_from_instant(instant, offset, zone)
            elif day is not None:
                moment = _moved_from_day(day, offset, time_zone(person_zone))
            else:
                return None
        except OverflowError:
            return None
        # These are stored as infinities.
        return None if moment in (FIRST_MOMENT, LAST_MOMENT) else moment


def _moved_from_instant(instant: datetime, offset: Duration, zone: ZoneInfo) -> datetime:
    # A moment that isn't moved by days may be the second one that clocks show so.
    if offset.whole_days:
        local = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        instant = _on_wall_clock(local + timedelta(days=offset.whole_days), zone)
    return instant + offset.time


def _moved_from_day(day: date, offset: Duration, zone: ZoneInfo) -> datetime:
    moved = datetime.combine(day + timedelta(days=offset.whole_days), time())
    return _on_wall_clock(moved, zone) + offset.time


def _on_wall_clock(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def next_firing(
    moment: datetime | None,
    now: datetime,
    *,
    pending: datetime | None = None,
    fired_at: datetime | None = None,
) -> datetime | None:
    """When a reminder with a moment is to fire after a write; None if never.

    A moment that has passed doesn't fire, unless it is `pending` and late only because no worker ran. One for
    which the reminder has fired doesn't fire again, whatever the clocks do.
    """
    if moment is None or moment == fired_at:
        return None
    return moment if moment > now or moment == pending else None
