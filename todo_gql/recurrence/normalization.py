"""What is stored of a rule that was sent: the rule in one form, and the first day that it chooses."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from todo_gql.api.time_zones import TimeZoneName, time_zone
from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.recurrences import Recurrence, RecurrenceMode
from todo_gql.recurrence.rules import MONDAY, Frequency, Rule, RuleError
from todo_gql.recurrence.series import Occurrence, Series

# Every month has this day.
_LAST_COMMON_DAY = 28
_FEBRUARY = 2


class FirstDue(NamedTuple):
    """A recurrence, and where its first due date goes; None if the due date can stay."""

    recurrence: Recurrence
    moved_to: Occurrence | None


def begin(
    text: str,
    mode: RecurrenceMode,
    name: TimeZoneName,
    due: date | datetime,
    *,
    catches_up: bool = False,
) -> FirstDue:
    """The recurrence of a todo from its due date on; the due moves to the first day that the rule chooses.

    Raises RuleError for a text that is no supported rule, and for a rule without any day from then on.
    """
    rule, zone = parse_rule(text), time_zone(name)
    day, clock = _day_and_time(due, zone)
    if mode == RecurrenceMode.COMPLETION:
        _check_completion(rule)
        rule = with_exact_end(rule, clock, zone)
    else:
        rule = with_exact_end(with_month_ends(rule, day), clock, zone)
    first = next(Series(rule, day, clock, zone).on_or_after(day), None)
    if first is None:
        raise RuleError("The rule has no day on or after the due date.")
    recurrence = Recurrence(rule, mode, name, first.date, clock, catches_up=catches_up)
    return FirstDue(recurrence, None if first.date == day else first)


def resumed(
    stored: Recurrence, text: str, mode: RecurrenceMode, name: TimeZoneName, *, catches_up: bool
) -> Recurrence | None:
    """A stored recurrence that goes on with what was sent; None if its rule or zone is another one."""
    anchor = stored.series.at(stored.anchor)
    try:
        sent, _ = begin(text, mode, name, anchor.at or anchor.date, catches_up=catches_up)
    except RuleError:
        return None
    same = replace(stored, mode=mode, catches_up=catches_up)
    return same if sent == replace(same, done=0) else None


def with_month_ends(rule: Rule, anchor: date) -> Rule:
    """The rule that falls on a month's last day where the month is too short for the anchor's day.

    Only what names no days is changed, so that RFC 5545 says the same of the rule as it is stored.
    """
    is_leap_day = (anchor.month, anchor.day) == (_FEBRUARY, 29)
    if rule.has_by_parts or anchor.day <= _LAST_COMMON_DAY:
        return rule
    days = tuple(range(_LAST_COMMON_DAY, anchor.day + 1))
    if rule.frequency == Frequency.MONTHLY:
        return replace(rule, month_days=days, positions=(-1,))
    if rule.frequency == Frequency.YEARLY and is_leap_day:
        return replace(rule, months=(_FEBRUARY,), month_days=days, positions=(-1,))
    return rule


def with_exact_end(rule: Rule, clock: time | None, zone: ZoneInfo) -> Rule:
    """The rule with an UNTIL in UTC if there is a time of day, and else with one that is a date.

    A date ends with its last second in the zone.
    """
    until = rule.until
    if until is None:
        return rule
    if clock is None:
        if isinstance(until, datetime):
            until = until.astimezone(zone).date() if until.tzinfo else until.date()
    elif not isinstance(until, datetime):
        next_day = datetime.combine(until + timedelta(1), time(), zone)
        until = next_day.astimezone(UTC) - timedelta(seconds=1)
    elif until.tzinfo is None:
        until = until.replace(tzinfo=zone).astimezone(UTC)
    return replace(rule, until=until)


def _check_completion(rule: Rule) -> None:
    if rule.has_by_parts or rule.week_start != MONDAY:
        raise RuleError(
            "A rule that counts from completion has FREQ, INTERVAL, COUNT and UNTIL only."
        )


def _day_and_time(due: date | datetime, zone: ZoneInfo) -> tuple[date, time | None]:
    if not isinstance(due, datetime):
        return due, None
    try:
        local = due.astimezone(zone)
    except OverflowError:
        raise RuleError("The due date is too near the end of the calendar to repeat.") from None
    return local.date(), local.time()
