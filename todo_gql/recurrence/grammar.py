"""The grammar of the recurrence rules that todos may have, a part of RFC 5545, section 3.3.10.

What other programs disagree about, what would repeat within a day, and what would never happen is
refused, each with its reason.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from todo_gql.recurrence.rules import MONDAY, WEEKDAYS, Frequency, Rule, RuleError, Weekday

MAX_RULE_LENGTH: Final = 500
MAX_INTERVAL: Final = 999
MAX_COUNT: Final = 999
_WEEKS_OF_MONTH: Final = 5
_WEEKS_OF_YEAR: Final = 53
_MAX_QUOTED_LENGTH: Final = 50

_PART: Final = re.compile(r"([A-Z-]+)=([A-Z0-9,+-]+)")
_UNSIGNED: Final = re.compile("[0-9]{1,4}")
_SIGNED: Final = re.compile("[+-]?[0-9]{1,4}")
_WEEKDAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL: Final = re.compile(r"([0-9]{8})(T[0-9]{6}(Z?))?")

_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_UNSUPPORTED: Final = {
    "BYSECOND": "a todo repeats at its own time of day",
    "BYMINUTE": "a todo repeats at its own time of day",
    "BYHOUR": "a todo repeats at its own time of day",
    "BYWEEKNO": "programs disagree about weeks of the year",
    "BYYEARDAY": "name the day by BYMONTH and BYMONTHDAY instead",
    "RSCALE": "only the Gregorian calendar is supported",
    "SKIP": "only the Gregorian calendar is supported",
    "DTSTART": "the first date is the todo's due date",
}


@lru_cache(maxsize=1024)
def parse_rule(text: str) -> Rule:
    """The rule that a text says, in any letter case.

    Raises RuleError for what is no rule, for parts that aren't supported, and for a rule whose parts
    can't be true of any day.
    """
    parts = _split(text)
    rule = Rule(
        frequency=_frequency(parts),
        interval=_number(parts, "INTERVAL", MAX_INTERVAL) or 1,
        months=_numbers(parts, "BYMONTH", 12, _UNSIGNED),
        month_days=_numbers(parts, "BYMONTHDAY", 31, _SIGNED),
        weekdays=_weekdays(parts),
        positions=_numbers(parts, "BYSETPOS", 366, _SIGNED),
        week_start=_week_start(parts),
        count=_number(parts, "COUNT", MAX_COUNT),
        until=_until(parts),
    )
    for check in (_check_end, _check_month_days, _check_weekdays, _check_positions):
        check(rule)
    return rule


def _split(text: str) -> dict[str, str]:
    if len(text) > MAX_RULE_LENGTH:
        raise RuleError(f"A rule has at most {MAX_RULE_LENGTH} characters.")
    # A part of ASCII alone: upper() makes ASCII letters of others.
    if not text.isascii():
        raise RuleError("A rule has ASCII characters only.")
    parts: dict[str, str] = {}
    # Google Calendar ends rules with a semicolon.
    for part in text.upper().removesuffix(";").split(";"):
        match = _PART.fullmatch(part)
        if match is None:
            raise RuleError(f"{_quoted(part)} is no part of a rule, which are like FREQ=WEEKLY.")
        name, value = match.groups()
        if name in parts:
            raise RuleError(f"{name} may be there only once.")
        if name not in _PARTS:
            reason = _UNSUPPORTED.get(name)
            raise RuleError(f"{_quoted(name)} is not supported{f': {reason}' * bool(reason)}.")
        parts[name] = value
    return parts


def _frequency(parts: dict[str, str]) -> Frequency:
    value = parts.get("FREQ")
    if value is None:
        raise RuleError("A rule needs FREQ.")
    if value not in Frequency.__members__:
        raise RuleError(f"FREQ is one of {', '.join(Frequency)}.")
    return Frequency(value)


def _number(parts: dict[str, str], name: str, most: int) -> int | None:
    value = parts.get(name)
    if value is None:
        return None
    if not _UNSIGNED.fullmatch(value) or not 1 <= int(value) <= most:
        raise RuleError(f"{name} is a number from 1 to {most}.")
    return int(value)


def _numbers(parts: dict[str, str], name: str, most: int, form: re.Pattern[str]) -> tuple[int, ...]:
    if name not in parts:
        return ()
    values = parts[name].split(",")
    if not all(form.fullmatch(value) and 1 <= abs(int(value)) <= most for value in values):
        signed = f", or -{most} to -1" if form is _SIGNED else ""
        raise RuleError(f"{name} has numbers from 1 to {most}{signed}, with commas between them.")
    return tuple(sorted({int(value) for value in values}, key=_from_the_start))


def _from_the_start(number: int) -> tuple[bool, int]:
    return number < 0, number


def _weekdays(parts: dict[str, str]) -> tuple[Weekday, ...]:
    if "BYDAY" not in parts:
        return ()
    days = set()
    for value in parts["BYDAY"].split(","):
        match = _WEEKDAY.fullmatch(value)
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= _WEEKS_OF_YEAR):
            raise RuleError("BYDAY has days of the week, such as MO,WE or 1FR or -1SU.")
        days.add(Weekday(WEEKDAYS.index(match[2]), int(match[1] or 0)))
    return tuple(sorted(days, key=lambda day: (day.weekday, *_from_the_start(day.ordinal))))


def _week_start(parts: dict[str, str]) -> int:
    value = parts.get("WKST")
    if value is None:
        return MONDAY
    if value not in WEEKDAYS:
        raise RuleError(f"WKST is one of {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(value)


def _until(parts: dict[str, str]) -> date | datetime | None:
    value = parts.get("UNTIL")
    if value is None:
        return None
    match = _UNTIL.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        day = date.fromisoformat(match[1])
        # The calendar's ends are out of reach in some time zones.
        if not date.min.year < day.year < date.max.year:
            raise ValueError
        if match[2] is None:
            return day
        return datetime.fromisoformat(value.removesuffix("Z")).replace(
            tzinfo=UTC if match[3] else None
        )
    except ValueError as error:
        raise RuleError("UNTIL is like 20271231, 20271231T235959 or 20271231T235959Z.") from error


def _check_end(rule: Rule) -> None:
    if rule.count and rule.until:
        raise RuleError("A rule ends by COUNT or by UNTIL, not by both.")


def _check_month_days(rule: Rule) -> None:
    if not rule.month_days:
        return
    if rule.frequency == Frequency.WEEKLY:
        raise RuleError("BYMONTHDAY can't be part of a weekly rule.")
    if rule.frequency == Frequency.YEARLY and not rule.months:
        raise RuleError("BYMONTHDAY needs BYMONTH in a yearly rule, or FREQ=MONTHLY.")
    longest = max(_LONGEST_MONTHS[month - 1] for month in rule.months or range(1, 13))
    if all(abs(day) > longest for day in rule.month_days):
        names = " or ".join(_MONTH_NAMES[month - 1] for month in rule.months)
        raise RuleError(f"There is no such day in {names}, so the rule would never happen.")


def _check_weekdays(rule: Rule) -> None:
    most = max((abs(day.ordinal) for day in rule.weekdays), default=0)
    if not most:
        return
    if rule.frequency in (Frequency.DAILY, Frequency.WEEKLY):
        raise RuleError("BYDAY has numbers only in monthly and yearly rules.")
    if most > _WEEKS_OF_MONTH and (rule.frequency == Frequency.MONTHLY or rule.months):
        raise RuleError("A month never has more than five of a day, so numbers of BYDAY end at 5.")


def _check_positions(rule: Rule) -> None:
    if not rule.positions:
        return
    if not (rule.months or rule.month_days or rule.weekdays):
        raise RuleError("BYSETPOS needs another BY part to choose from.")
    most = _LARGEST_SETS[rule.frequency](rule)
    if all(abs(position) > most for position in rule.positions):
        raise RuleError(f"BYSETPOS chooses from at most {most}, so the rule would never happen.")


_LARGEST_SETS: Final[dict[Frequency, Callable[[Rule], int]]] = {
    Frequency.DAILY: lambda _rule: 1,
    Frequency.WEEKLY: lambda rule: len(rule.weekdays) or 1,
    Frequency.MONTHLY: lambda rule: 31 if rule.weekdays or rule.month_days else 1,
    Frequency.YEARLY: lambda _rule: 366,
}
_PARTS: Final = frozenset(
    ("FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST", "COUNT", "UNTIL")
)


def _quoted(text: str) -> str:
    """A part as a message has it, which needn't repeat all of a long one."""
    if len(text) > _MAX_QUOTED_LENGTH:
        text = f"{text[:_MAX_QUOTED_LENGTH]}…"
    return f"“{text}”" if text else "An empty text"
