"""Durations of ISO 8601 as offsets from a moment: weeks and days on the wall clock, the rest in time."""

import re
from datetime import timedelta
from typing import Final, NamedTuple, Self

# Years and months have no fixed length, and decimal fractions several notations.
DURATION: Final = re.compile(
    r"([+-]?)P(?=[0-9T])(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?",
    re.IGNORECASE,
)
MAX_LENGTH: Final = 50
EXAMPLE: Final = "Write a Duration in weeks, days, hours, minutes and seconds, such as -P1DT12H."


class Duration(NamedTuple):
    """A duration as its parts, all of which are negative if `is_negative`."""

    is_negative: bool
    weeks: int
    days: int
    hours: int
    minutes: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The duration that ISO 8601 writes so, with an optional sign; raises `ValueError`."""
        match = DURATION.fullmatch(text) if len(text) <= MAX_LENGTH else None
        if match is None:
            raise ValueError(EXAMPLE)
        sign, *parts = match.groups(default="0")
        return cls(sign == "-", *map(int, parts))

    @property
    def whole_days(self) -> int:
        """How many days the wall clock is moved by."""
        return self._signed(7 * self.weeks + self.days)

    @property
    def time(self) -> timedelta:
        """How much time passes besides."""
        return timedelta(seconds=self._signed(3600 * self.hours + 60 * self.minutes + self.seconds))

    @property
    def total(self) -> timedelta:
        """All of it, with days of 24 hours."""
        return timedelta(days=self.whole_days) + self.time

    def __str__(self) -> str:
        """Its canonical form: the parts that aren't 0, as they were written; PT0S if all are."""
        date = _designated(zip((self.weeks, self.days), "WD", strict=True))
        time = _designated(zip((self.hours, self.minutes, self.seconds), "HMS", strict=True))
        if not date and not time:
            return "PT0S"
        return f"{'-' if self.is_negative else ''}P{date}{'T' if time else ''}{time}"

    def _signed(self, number: int) -> int:
        return -number if self.is_negative else number


def _designated(parts: "zip[tuple[int, str]]") -> str:
    return "".join(f"{number}{designator}" for number, designator in parts if number)
