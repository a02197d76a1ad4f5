"""Quiet hours: the times of the week at which a person gets no mails and no pushes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

# Windows that follow each other without a gap for longer than a week never end.
LONGEST = timedelta(days=8)


class QuietWindow(NamedTuple):
    """A window of quiet hours, by the wall clock of the person's zone.

    It begins on `weekday`, from 1 for Monday to 7, and ends on the next day unless `end` is later than
    `start`.
    """

    weekday: int
    start: time
    end: time

    def on(self, day: date) -> tuple[datetime, datetime]:
        """When the window of a day begins and ends, without a zone."""
        last_day = day if self.start < self.end else day + timedelta(days=1)
        return datetime.combine(day, self.start), datetime.combine(last_day, self.end)


def after_quiet_hours(
    moment: datetime, windows: Sequence[QuietWindow], zone: ZoneInfo
) -> datetime | None:
    """The first moment from `moment` on outside of all windows; None if there is none."""
    current = moment
    while current - moment < LONGEST:
        end = max(_ends(current, windows, zone), default=None)
        if end is None:
            return current
        current = end
    return None


def _ends(moment: datetime, windows: Iterable[QuietWindow], zone: ZoneInfo) -> Iterator[datetime]:
    """The ends of the windows that a moment is in."""
    local = moment.astimezone(zone).replace(tzinfo=None)
    for window in windows:
        for day in (local.date(), local.date() - timedelta(days=1)):
            if day.isoweekday() == window.weekday:
                start, end = window.on(day)
                if start <= local < end:
                    yield _next_instant(end, moment, zone)


def _next_instant(wall_time: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after another one at which clocks show a time; later in a gap."""
    first = wall_time.replace(tzinfo=zone).astimezone(UTC)
    return first if first > after else wall_time.replace(tzinfo=zone, fold=1).astimezone(UTC)
