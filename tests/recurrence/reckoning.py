"""Recurrence reckoned a second time, day by day, from the text of RFC 5545, section 3.3.10.

It shares no code with the product, knows no shortcut, and is slow: a day belongs to a rule if what the
RFC says of each part holds for it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY = timedelta(1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Reckoning:
    """The days of a rule from an anchor on; UNTIL is left to the caller."""

    def __init__(self, text: str, anchor: date) -> None:
        parts = dict(part.split("=") for part in text.upper().rstrip(";").split(";"))
        self.anchor = anchor
        self.frequency = parts["FREQ"]
        self.interval = int(parts.get("INTERVAL", 1))
        self.count = int(parts["COUNT"]) if "COUNT" in parts else None
        self.week_start = WEEKDAYS.index(parts.get("WKST", "MO"))
        self.months = _numbers(parts.get("BYMONTH"))
        self.month_days = _numbers(parts.get("BYMONTHDAY"))
        self.positions = _numbers(parts.get("BYSETPOS"))
        self.weekdays = [
            (int(day[:-2] or 0), WEEKDAYS.index(day[-2:]))
            for day in parts.get("BYDAY", "").split(",")
            if day
        ]
        if not (self.weekdays or self.month_days):
            self._take_from_anchor()

    def _take_from_anchor(self) -> None:
        """Information missing from the rule is taken from DTSTART."""
        if self.frequency == "WEEKLY":
            self.weekdays = [(0, self.anchor.weekday())]
        if self.frequency in ("MONTHLY", "YEARLY"):
            self.month_days = [self.anchor.day]
        if self.frequency == "YEARLY" and not self.months:
            self.months = [self.anchor.month]

    def days(self, last: date) -> Iterator[date]:
        """The days of the rule, up to a last one."""
        day, number = self.anchor, 0
        while day <= last and number != self.count:
            if self.has(day):
                number += 1
                yield day
            day += DAY

    def has(self, day: date) -> bool:
        """Whether the rule chooses a day, whatever COUNT says."""
        if self._interval_of(day) % self.interval or not self._is_candidate(day):
            return False
        if not self.positions:
            return True
        candidates = [one for one in self._days_of_interval(day) if self._is_candidate(one)]
        index = candidates.index(day)
        return index + 1 in self.positions or index - len(candidates) in self.positions

    def _interval_of(self, day: date) -> int:
        """How many intervals after that of the anchor a day's is."""
        if self.frequency == "DAILY":
            return (day - self.anchor).days
        if self.frequency == "WEEKLY":
            return (self._start_of_week(day) - self._start_of_week(self.anchor)).days // 7
        months = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
        return months if self.frequency == "MONTHLY" else day.year - self.anchor.year

    def _days_of_interval(self, day: date) -> list[date]:
        if self.frequency == "DAILY":
            return [day]
        if self.frequency == "WEEKLY":
            start = self._start_of_week(day)
            return [start + DAY * number for number in range(7)]
        if self.frequency == "MONTHLY":
            return _days_of_month(day.year, day.month)
        return _days_of_year(day.year)

    def _is_candidate(self, day: date) -> bool:
        if self.months and day.month not in self.months:
            return False
        if self.month_days:
            from_end = day.day - len(_days_of_month(day.year, day.month)) - 1
            if day.day not in self.month_days and from_end not in self.month_days:
                return False
        return not self.weekdays or any(self._is_weekday(day, *one) for one in self.weekdays)

    def _is_weekday(self, day: date, ordinal: int, weekday: int) -> bool:
        if day.weekday() != weekday or not ordinal:
            return day.weekday() == weekday
        # The offset is within the month of a monthly rule, or of a yearly one with BYMONTH.
        of_year = self.frequency == "YEARLY" and not self.months
        days = _days_of_year(day.year) if of_year else _days_of_month(day.year, day.month)
        same = [one for one in days if one.weekday() == weekday]
        return same.index(day) + 1 == ordinal or same.index(day) - len(same) == ordinal

    def _start_of_week(self, day: date) -> date:
        while day.weekday() != self.week_start:
            day -= DAY
        return day


def moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The moment when a clock shows a time of day, in UTC.

    It is the first that shows the time; where none does, the time counts as if the clock hadn't been put
    forward. Only the zone's offsets are used: RFC 5545, section 3.3.5.
    """
    wall = datetime.combine(day, clock)
    around = [
        datetime.combine(day, clock, UTC) + timedelta(hours=number) for number in range(-36, 37)
    ]
    offsets = {one.astimezone(zone).utcoffset() or timedelta() for one in around}
    possible = [(wall - offset).replace(tzinfo=UTC) for offset in offsets]
    shown = [one for one in possible if one.astimezone(zone).replace(tzinfo=None, fold=0) == wall]
    return min(shown) if shown else max(possible)


def month_end_rule(text: str, anchor: date) -> str:
    """The rule that falls on the last day of months without the anchor's day."""
    names = {part.split("=")[0] for part in text.split(";")}
    if anchor.day < 29 or names & {"BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS"}:
        return text
    if "FREQ=MONTHLY" in text:
        return f"{text};BYMONTHDAY={','.join(map(str, range(28, anchor.day + 1)))};BYSETPOS=-1"
    if "FREQ=YEARLY" in text and anchor.month == 2:
        return f"{text};BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1"
    return text


def _numbers(text: str | None) -> list[int]:
    return [int(number) for number in text.split(",")] if text else []


@cache
def _days_of_month(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [day for number in range(31) if (day := first + DAY * number).month == month]


@cache
def _days_of_year(year: int) -> list[date]:
    return [day for month in range(1, 13) for day in _days_of_month(year, month)]
