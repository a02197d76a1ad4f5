"""The intervals of a rule, each with its days as bits of an integer.

A rule chooses days from each interval: the month, week or year that it counts. What it chooses follows
from few properties of an interval, such as a month's length and first day of the week, so that each
answer is worked out once for a rule. Rules for days are looked at by month, too. Months in which a rule
never happens, and the time between two intervals, are skipped instead of being looked at.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final, NamedTuple

from todo_gql.recurrence.rules import Frequency, Rule

LAST_DAY: Final = date.max.toordinal()
_FEBRUARY: Final = 2
_WEEK: Final = (1 << 7) - 1
_MONTH_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ALL_MONTHS: Final = frozenset(range(1, 13))


class Period(NamedTuple):
    """Days that a rule chooses: bit n is for the day with the ordinal `start` + n."""

    start: int
    days: int


def periods(rule: Rule, anchor: date, since: date) -> Iterator[Period]:
    """The intervals of a rule in their order, from the one with the day `since` to the year 9999.

    The first one begins before `since` as a rule, and days before the anchor are among them. Some have
    no days.
    """
    return _PERIODS[rule.frequency](rule, anchor, max(anchor, since))


def _days(rule: Rule, anchor: date, since: date) -> Iterator[Period]:
    chosen = _ByMonth(rule, default=None)
    every = sum(1 << offset for offset in range(0, 31, rule.interval))
    origin, months = anchor.toordinal(), frozenset(rule.months) or _ALL_MONTHS
    following = {month: _next_month(month, months) for month in _ALL_MONTHS - months}
    year, month = since.year, since.month
    while year <= date.max.year:
        if month not in months:
            years, month = following[month]
            year += years
            continue
        start, length = _first_day(year, month), _length(year, month)
        phase = (origin - start) % rule.interval
        yield Period(start, chosen.of(start, length) & every << phase)
        # The next day that counts may be months away.
        coming = start + phase
        coming += -(-max(0, start + length - coming) // rule.interval) * rule.interval
        if coming > LAST_DAY:
            return
        day = date.fromordinal(coming)
        year, month = day.year, day.month


def _weeks(rule: Rule, anchor: date, since: date) -> Iterator[Period]:
    chosen = _ByWeek(rule, anchor)
    step = 7 * rule.interval
    start = _week_of(anchor.toordinal(), rule.week_start)
    start += (_week_of(since.toordinal(), rule.week_start) - start) // step * step
    while start <= LAST_DAY:
        allowed = chosen.in_months(start)
        yield Period(start, chosen.of(allowed))
        coming = start + step if allowed else max(start + step, chosen.next_start(start))
        start += -(-(coming - start) // step) * step


def _months(rule: Rule, anchor: date, since: date) -> Iterator[Period]:
    chosen = _ByMonth(rule, default=anchor.day)
    months = frozenset(rule.months) or _ALL_MONTHS
    number = anchor.year * 12 + anchor.month - 1
    number += (since.year * 12 + since.month - 1 - number) // rule.interval * rule.interval
    while (year := number // 12) <= date.max.year:
        month = number % 12 + 1
        start = _first_day(year, month)
        yield Period(start, chosen.of(start, _length(year, month)) if month in months else 0)
        number += rule.interval


def _years(rule: Rule, anchor: date, since: date) -> Iterator[Period]:
    chosen = _ByYear(rule, anchor)
    year = anchor.year + (since.year - anchor.year) // rule.interval * rule.interval
    while year <= date.max.year:
        start = _first_day(year, 1)
        yield Period(start, chosen.of(start, _is_leap(year)))
        year += rule.interval


_PERIODS: Final[dict[Frequency, Callable[[Rule, date, date], Iterator[Period]]]] = {
    Frequency.DAILY: _days,
    Frequency.WEEKLY: _weeks,
    Frequency.MONTHLY: _months,
    Frequency.YEARLY: _years,
}


class _ByMonth:
    """The days that a rule chooses from a month, by its length and first day of the week."""

    def __init__(self, rule: Rule, default: int | None) -> None:
        self._rule = rule
        self._default = default
        self._positions = () if rule.frequency == Frequency.DAILY else rule.positions
        self._cached: dict[tuple[int, int], int] = {}

    def of(self, start: int, length: int) -> int:
        key = (length, _weekday(start))
        days = self._cached.get(key)
        if days is None:
            days = days_of_month(self._rule, *key, self._default)
            days = self._cached[key] = _at_positions(days, self._positions)
        return days


class _ByWeek:
    """The days that a rule chooses from a week, by which of them are in its months."""

    def __init__(self, rule: Rule, anchor: date) -> None:
        weekdays = {day.weekday for day in rule.weekdays} or {anchor.weekday()}
        self._days = sum(1 << (weekday - rule.week_start) % 7 for weekday in weekdays)
        self._months = frozenset(rule.months) or _ALL_MONTHS
        outside = _ALL_MONTHS - self._months
        self._following = {month: _next_month(month, self._months) for month in outside}
        self._positions = rule.positions
        self._cached: dict[int, int] = {}

    def of(self, allowed: int) -> int:
        """Those of the allowed days that the rule chooses."""
        days = self._cached.get(allowed)
        if days is None:
            days = self._cached[allowed] = _at_positions(self._days & allowed, self._positions)
        return days

    def next_start(self, start: int) -> int:
        """Where to go on after a week without any day of the months: not after the next that has one."""
        day = _day(start)
        years, month = self._following[day.month]
        # Its week begins at most six days earlier.
        year = day.year + years
        return _first_day(year, month) - 6 if year <= date.max.year else LAST_DAY + 1

    def in_months(self, start: int) -> int:
        """The days of a week that are in the months."""
        if self._months is _ALL_MONTHS:
            return _WEEK
        first, last = _day(start), _day(start + 6)
        if first.month == last.month:
            return _WEEK if first.month in self._months else 0
        before = (1 << 7 - last.day) - 1
        days = before if first.month in self._months else 0
        return days | _WEEK ^ before if last.month in self._months else days


class _ByYear:
    """The days that a rule chooses from a year, by its length and first day of the week."""

    def __init__(self, rule: Rule, anchor: date) -> None:
        self._rule = rule
        self._anchor = anchor
        self._cached: dict[tuple[int, bool], int] = {}

    def of(self, start: int, is_leap: bool) -> int:
        key = (_weekday(start), is_leap)
        days = self._cached.get(key)
        if days is None:
            days = _at_positions(self._chosen(*key), self._rule.positions)
            self._cached[key] = days
        return days

    def _chosen(self, weekday: int, is_leap: bool) -> int:
        rule = self._rule
        if rule.weekdays and not rule.months:
            return _days_of_week(rule, 366 if is_leap else 365, weekday)
        months = rule.months or (self._anchor.month,)
        days, offset = 0, 0
        for month, common_length in enumerate(_MONTH_LENGTHS, 1):
            length = common_length + (is_leap and month == _FEBRUARY)
            if month in months:
                first = (weekday + offset) % 7
                days |= days_of_month(rule, length, first, self._anchor.day) << offset
            offset += length
        return days


def days_of_month(rule: Rule, length: int, weekday: int, default: int | None) -> int:
    """The days of a month of so many days, the first a `weekday`, that the BY parts choose.

    Without any BY part that chooses days it is the day `default`, if the month has it; all days without
    that, too.
    """
    days = (1 << length) - 1
    if rule.weekdays:
        days &= _days_of_week(rule, length, weekday)
    if rule.month_days:
        # A day may be named from both ends.
        numbers = {day if day > 0 else length + 1 + day for day in rule.month_days}
        days &= sum(1 << number - 1 for number in numbers if 0 < number <= length)
    elif default is not None and not rule.weekdays:
        days &= 1 << default - 1
    return days


def _days_of_week(rule: Rule, length: int, weekday: int) -> int:
    """What BYDAY chooses from so many days, the first of which is a `weekday`."""
    days = 0
    for day in rule.weekdays:
        offsets = range((day.weekday - weekday) % 7, length, 7)
        if not day.ordinal:
            chosen = offsets
        elif day.ordinal > 0:
            chosen = offsets[day.ordinal - 1 : day.ordinal]
        else:
            chosen = offsets[day.ordinal :][:1] if -day.ordinal <= len(offsets) else offsets[:0]
        for offset in chosen:
            days |= 1 << offset
    return days


def _at_positions(days: int, positions: tuple[int, ...]) -> int:
    """What BYSETPOS chooses from days."""
    if not positions:
        return days
    size, chosen = days.bit_count(), 0
    for position in positions:
        number = position if position > 0 else size + 1 + position
        if 1 <= number <= size:
            chosen |= 1 << nth_day(days, number)
    return chosen


def nth_day(days: int, number: int) -> int:
    """The bit of the day with this number among days, from 1; there must be as many."""
    low, high = 0, days.bit_length() - 1
    while low < high:
        middle = (low + high) // 2
        if (days & (1 << middle + 1) - 1).bit_count() >= number:
            high = middle
        else:
            low = middle + 1
    return low


def _week_of(day: int, week_start: int) -> int:
    """The first day of a day's week."""
    return day - (_weekday(day) - week_start) % 7


def _weekday(day: int) -> int:
    return (day - 1) % 7


def _day(ordinal: int) -> date:
    return date.fromordinal(min(max(ordinal, 1), LAST_DAY))


def _next_month(month: int, months: frozenset[int]) -> tuple[int, int]:
    """In how many years the next month comes that is among `months`, and which it is."""
    later = min((one for one in months if one > month), default=None)
    return (0, later) if later else (1, min(months))


def _first_day(year: int, month: int) -> int:
    return date(year, month, 1).toordinal()


def _length(year: int, month: int) -> int:
    return _MONTH_LENGTHS[month - 1] + (month == _FEBRUARY and _is_leap(year))


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
