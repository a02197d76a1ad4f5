"""Series: the days and moments that a rule gives from its first one on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from todo_gql.api.time_zones import UTC_ZONE, day_of
from todo_gql.recurrence.periods import LAST_DAY, Period, nth_day, periods
from todo_gql.recurrence.rules import Rule

# 50 years of months, 11 of weeks, and all there is to see of years, since the calendar repeats after 400.
MAX_EMPTY_PERIODS: Final = 600
# As many as COUNT may need if it counts one day in each.
MAX_PERIODS: Final = 1000


class Occurrence(NamedTuple):
    """A day, and the moment in UTC if the series has a time of day.

    `date` is the day that the rule chose; the clock may show another one at `at`, where clocks skip the
    time of day.
    """

    date: date
    at: datetime | None = None


class Steps:
    """How many intervals a search looks at, which bounds its time; it ends where it may look no further."""

    def __init__(self, most: int = MAX_PERIODS) -> None:
        self.most = most
        self.used = 0

    def within(self, intervals: Iterator[Period]) -> Iterator[Period]:
        """Intervals, until there are too many, or too many one after the other without any day."""
        empty = 0
        for period in intervals:
            if self.used >= self.most or empty >= MAX_EMPTY_PERIODS:
                return
            self.used += 1
            empty = 0 if period.days else empty + 1
            yield period


@dataclass(frozen=True)
class Series:
    """What a rule gives from an anchor on: days, or moments at a time of day in a zone.

    The anchor belongs to the series only if the rule chooses it. COUNT counts from there; a series with
    a COUNT ends after 1,000 intervals, however few days it had in them. UNTIL is compared with moments if there is a time of day, in the
    series' zone where it names none.
    """

    rule: Rule
    anchor: date
    time_of_day: time | None = None
    zone: ZoneInfo = UTC_ZONE

    def at(self, day: date) -> Occurrence:
        """The occurrence of a day.

        A time that the clock skips is as much later as the clock is put forward; of a time that comes
        twice it is the first one. Raises OverflowError at the ends of the calendar.
        """
        if self.time_of_day is None:
            return Occurrence(day)
        return Occurrence(day, datetime.combine(day, self.time_of_day, self.zone).astimezone(UTC))

    def on_or_after(self, day: date, steps: Steps | None = None) -> Iterator[Occurrence]:
        """The occurrences of a day and later, in their order, each moment once.

        There are no more where a search would take too many `steps`.
        """
        last, previous = self.last_day, None
        for chosen in self._days(day, steps or Steps()):
            if last is None or chosen > last:
                return
            try:
                occurrence = self.at(chosen)
            except OverflowError:
                return
            # Where clocks skip a whole day, it has the moments of the next one.
            if previous is None or occurrence.at is None or occurrence.at > previous:
                yield occurrence
                previous = occurrence.at

    def after(self, moment: date | datetime, steps: Steps | None = None) -> Iterator[Occurrence]:
        """The occurrences after a moment, or after a day if the series has no time of day."""
        if self.time_of_day is None or not isinstance(moment, datetime):
            day = day_of(moment, self.zone) if isinstance(moment, datetime) else moment
            return self.on_or_after(_shifted(day, 1), steps) if day < date.max else iter(())
        # A skipped time may be shown on the day after its own.
        earliest = _shifted(day_of(moment, self.zone), -1)
        return (one for one in self.on_or_after(earliest, steps) if one.at and one.at > moment)

    def between(self, first: date, last: date, steps: Steps | None = None) -> Iterator[Occurrence]:
        """The occurrences whose days are in a span, both its ends among them."""
        return takewhile(lambda one: one.date <= last, self.on_or_after(first, steps))

    def is_before_end(self, occurrence: Occurrence) -> bool:
        """Whether UNTIL lets an occurrence be, which needn't be one that the rule chooses."""
        return occurrence.date <= self._last_by_until

    @cached_property
    def last_day(self) -> date | None:
        """The last day that the series may have; None if it has none at all."""
        if self.rule.count is not None:
            return _last_by_count(self.rule, self.anchor)
        return self._last_by_until

    @cached_property
    def _last_by_until(self) -> date:
        until = self.rule.until
        if until is None:
            return date.max
        if self.time_of_day is None or not isinstance(until, datetime):
            if isinstance(until, datetime) and until.tzinfo:
                return until.astimezone(self.zone).date()
            return until.date() if isinstance(until, datetime) else until
        return self._last_by_moment(until if until.tzinfo else until.replace(tzinfo=self.zone))

    def _last_by_moment(self, until: datetime) -> date:
        local = until.astimezone(self.zone).date()
        for day in (_shifted(local, 1), local, _shifted(local, -1)):
            moment = self.at(day).at
            if moment and moment <= until:
                return day
        return _shifted(local, -2)

    def _days(self, since: date, steps: Steps) -> Iterator[date]:
        first = max(self.anchor, since)
        for period in steps.within(periods(self.rule, self.anchor, first)):
            start, days = _from(period, first.toordinal())
            while days:
                lowest = days & -days
                yield date.fromordinal(start + lowest.bit_length() - 1)
                days ^= lowest


@lru_cache(maxsize=1024)
def _last_by_count(rule: Rule, anchor: date) -> date | None:
    """The last day of a rule with COUNT; None if it has none at all."""
    remaining, last, first = rule.count or 0, None, anchor.toordinal()
    for period in Steps().within(periods(rule, anchor, anchor)):
        start, days = _from(period, first)
        if days:
            number = min(days.bit_count(), remaining)
            last = date.fromordinal(start + nth_day(days, number))
            remaining -= number
        if not remaining:
            break
    return last


def _from(period: Period, day: int) -> Period:
    """An interval without what is before a day, or after the calendar's end."""
    start, days = period
    if day > start:
        days = days >> (day - start) << (day - start)
    if start + days.bit_length() - 1 > LAST_DAY:
        days &= (1 << LAST_DAY - start + 1) - 1
    return Period(start, days)


def _shifted(day: date, days: int) -> date:
    """A day so many days away, or the end of the calendar in that direction."""
    try:
        return day + timedelta(days)
    except OverflowError:
        return date.max if days > 0 else date.min
