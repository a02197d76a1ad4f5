"""What a todo repeats by: its rule as it is stored, and the steps from one occurrence to the next."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

from todo_gql.api.time_zones import TimeZoneName, day_of, time_zone
from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.rules import Frequency, Rule
from todo_gql.recurrence.series import Occurrence, Series, Steps


class RecurrenceMode(StrEnum):
    """What the next occurrence is counted from: the days of the rule, or the day of completion."""

    SCHEDULE = "SCHEDULE"
    COMPLETION = "COMPLETION"


@dataclass(frozen=True)
class Recurrence:
    """A rule with its anchor, the first due date as the clock in its zone showed it.

    `time_of_day` is None for a todo with a due date only, and `done` is how many occurrences were completed.
    """

    rule: Rule
    mode: RecurrenceMode
    time_zone: TimeZoneName
    anchor: date
    time_of_day: time | None
    done: int = 0
    catches_up: bool = False

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The recurrence of a stored object."""
        return cls(
            rule=parse_rule(stored["rule"]),
            mode=RecurrenceMode(stored["mode"]),
            time_zone=stored["timeZone"],
            anchor=date.fromisoformat(stored["anchor"]),
            time_of_day=time.fromisoformat(stored["time"]) if stored["time"] else None,
            done=stored["done"],
            catches_up=stored["catchesUp"],
        )

    def to_json(self) -> dict[str, Any]:
        """The object to store."""
        return {
            "rule": str(self.rule),
            "mode": self.mode.value,
            "timeZone": self.time_zone,
            "anchor": self.anchor.isoformat(),
            "time": self.time_of_day.isoformat() if self.time_of_day else None,
            "done": self.done,
            "catchesUp": self.catches_up,
        }

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of its days and times."""
        return time_zone(self.time_zone)

    @cached_property
    def series(self) -> Series:
        """Its days from the anchor on; of SCHEDULE only they are its occurrences."""
        return Series(self.rule, self.anchor, self.time_of_day, self.zone)

    def completed_once(self) -> Self:
        """The recurrence after one more of its occurrences was completed."""
        return replace(self, done=self.done + 1)

    def after_completion(self, due: date | datetime, now: datetime) -> Occurrence | None:
        """What follows when the occurrence that is due is completed now; None after the last one.

        SCHEDULE: the first day of the rule after the due and after now, or with `catches_up` after the
        due. COMPLETION: the day of completion and one interval.
        """
        if self.mode == RecurrenceMode.SCHEDULE:
            return next(self._scheduled(due, now), None)
        return next(self._completed_on(day_of(now, self.zone)), None)

    def following(
        self, due: date | datetime, now: datetime, steps: Steps | None = None
    ) -> Iterator[Occurrence]:
        """What follows the occurrence that is due, if each is completed on its day; the first, today if late.

        The first one is also where skipping leads.
        """
        if self.mode == RecurrenceMode.SCHEDULE:
            return self._scheduled(due, now, steps)
        return self._completed_on(max(self._day_of(due), day_of(now, self.zone)))

    def _scheduled(
        self, due: date | datetime, now: datetime, steps: Steps | None = None
    ) -> Iterator[Occurrence]:
        if self.catches_up:
            return self.series.after(due, steps)
        if self.time_of_day is not None and isinstance(due, datetime):
            return self.series.after(max(due, now), steps)
        day = self._day_of(due)
        return self.series.after(day if day >= day_of(now, self.zone) else now, steps)

    def _completed_on(self, day: date) -> Iterator[Occurrence]:
        """The occurrences that follow a completion, each of them completed on its day."""
        number, count = self.done + 1, self.rule.count
        while count is None or number < count:
            try:
                day = _later(day, self.rule)
                occurrence = self.series.at(day)
            except (OverflowError, ValueError):
                return
            if not self.series.is_before_end(occurrence):
                return
            yield occurrence
            number += 1

    def _day_of(self, due: date | datetime) -> date:
        return day_of(due, self.zone) if isinstance(due, datetime) else due


def moved_start(
    start: date | datetime, due: date | datetime, occurrence: Occurrence, zone: ZoneInfo
) -> date | datetime:
    """Where a todo starts when it is due at an occurrence instead: as long before, as clocks show it.

    A start without time stays a date. One that the calendar doesn't have leaves the start as it is.
    """
    try:
        return _moved(start, due, occurrence, zone)
    except OverflowError:
        return start


def _moved(
    start: date | datetime, due: date | datetime, occurrence: Occurrence, zone: ZoneInfo
) -> date | datetime:
    distance = _clock(due, zone) - _clock(start, zone)
    target: date | datetime = occurrence.at or occurrence.date
    if not isinstance(start, datetime):
        days = _clock(due, zone).date() - start
        return _clock(target, zone).date() - days
    clock = _clock(target, zone) - distance
    moved = Series(_DAILY, clock.date(), clock.time(), zone).at(clock.date()).at
    # Where a clock skips the time of the start, it could come after the due.
    latest = occurrence.at if occurrence.at and isinstance(due, datetime) else None
    return min(moved, latest) if moved and latest else moved or start


def _clock(moment: date | datetime, zone: ZoneInfo) -> datetime:
    """What the clock in a zone shows, without a zone."""
    if isinstance(moment, datetime):
        return moment.astimezone(zone).replace(tzinfo=None, fold=0)
    return datetime.combine(moment, time())


def _later(day: date, rule: Rule) -> date:
    """The day one interval later; of a shorter month it is the last one."""
    if rule.frequency in (Frequency.DAILY, Frequency.WEEKLY):
        return day + timedelta(rule.interval * (1 if rule.frequency == Frequency.DAILY else 7))
    months = rule.interval * (1 if rule.frequency == Frequency.MONTHLY else 12)
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


_DAILY = Rule(Frequency.DAILY)
