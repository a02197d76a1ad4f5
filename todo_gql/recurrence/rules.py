"""Recurrence rules: what a rule has, and how it is written."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MONDAY: Final = 0


class RuleError(ValueError):
    """A rule that can't be used; its text says why, in a sentence for people."""


class Frequency(StrEnum):
    """What a rule counts its intervals in."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class Weekday(NamedTuple):
    """A value of BYDAY: a day of the week, from 0 for Monday, and which of a month or year it is.

    An ordinal of 0 means each of them, a negative one counts from the end.
    """

    weekday: int
    ordinal: int = 0

    def __str__(self) -> str:
        return f"{self.ordinal or ''}{WEEKDAYS[self.weekday]}"


@dataclass(frozen=True)
class Rule:
    """The parts of a recurrence rule (RFC 5545, section 3.3.10); lists are sorted, without doubles.

    `until` is a date, a time in UTC, or a time without zone, until the rule is normalised.
    """

    frequency: Frequency
    interval: int = 1
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = MONDAY
    count: int | None = None
    until: date | datetime | None = None

    @property
    def has_by_parts(self) -> bool:
        """Whether any BY part says more than the frequency."""
        return bool(self.months or self.month_days or self.weekdays or self.positions)

    def __str__(self) -> str:
        """The rule as RFC 5545 writes it, in one order of parts, without those that say nothing."""
        parts = {
            "FREQ": self.frequency.value,
            "INTERVAL": self.interval if self.interval > 1 else "",
            "BYMONTH": _listed(self.months),
            "BYMONTHDAY": _listed(self.month_days),
            "BYDAY": _listed(self.weekdays),
            "BYSETPOS": _listed(self.positions),
            "WKST": "" if self.week_start == MONDAY else WEEKDAYS[self.week_start],
            "COUNT": self.count or "",
            "UNTIL": "" if self.until is None else _as_basic_format(self.until),
        }
        return ";".join(f"{name}={value}" for name, value in parts.items() if value != "")


def _listed(values: tuple[object, ...]) -> str:
    return ",".join(map(str, values))


def _as_basic_format(until: date | datetime) -> str:
    # strftime doesn't pad years before 1000 on every platform.
    text = until.isoformat().replace("-", "").replace(":", "")
    if not isinstance(until, datetime):
        return text
    return f"{text[:15]}Z" if until.tzinfo == UTC else text
