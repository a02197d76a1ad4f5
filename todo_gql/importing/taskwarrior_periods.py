"""The periods by which Taskwarrior repeats, as recurrence rules."""

import re
from typing import Final

_WORDS: Final = {
    "daily": ("DAILY", 1),
    "day": ("DAILY", 1),
    "weekly": ("WEEKLY", 1),
    "sennight": ("WEEKLY", 1),
    "biweekly": ("WEEKLY", 2),
    "fortnight": ("WEEKLY", 2),
    "monthly": ("MONTHLY", 1),
    "month": ("MONTHLY", 1),
    "bimonthly": ("MONTHLY", 2),
    "quarterly": ("MONTHLY", 3),
    "semiannual": ("MONTHLY", 6),
    "annual": ("YEARLY", 1),
    "yearly": ("YEARLY", 1),
    # Every two years, in spite of its name.
    "biannual": ("YEARLY", 2),
    "biyearly": ("YEARLY", 2),
}
_WEEKDAYS: Final = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
_UNITS: Final = {
    "d": ("DAILY", 1),
    "day": ("DAILY", 1),
    "w": ("WEEKLY", 1),
    "wk": ("WEEKLY", 1),
    "week": ("WEEKLY", 1),
    "m": ("MONTHLY", 1),
    "mo": ("MONTHLY", 1),
    "mth": ("MONTHLY", 1),
    "mnth": ("MONTHLY", 1),
    "month": ("MONTHLY", 1),
    "q": ("MONTHLY", 3),
    "qtr": ("MONTHLY", 3),
    "quarter": ("MONTHLY", 3),
    "y": ("YEARLY", 1),
    "yr": ("YEARLY", 1),
    "year": ("YEARLY", 1),
}
_COUNTED: Final = re.compile(r"([0-9]{1,3}) ?([a-z]{1,8})")
_ISO: Final = re.compile(r"P([0-9]{1,3})([DWMY])")


def rule_of(period: str) -> str | None:
    """The rule that a period means, such as `weekly`, `3d`, `2 months` or `P1M`; None for all else."""
    text = period.strip()
    if text.lower() in ("weekdays", "weekday"):
        return _WEEKDAYS
    if word := _WORDS.get(text.lower()):
        return _rule(*word)
    if match := _ISO.fullmatch(text.upper()):
        unit = _UNITS[match[2].lower()]
        return _rule(unit[0], unit[1] * int(match[1]))
    if match := _COUNTED.fullmatch(text.lower()):
        name = match[2]
        unit_or_none = _UNITS.get(name) or _UNITS.get(name.removesuffix("s"))
        if unit_or_none:
            return _rule(unit_or_none[0], unit_or_none[1] * int(match[1]))
    return None


def _rule(frequency: str, interval: int) -> str | None:
    return f"FREQ={frequency};INTERVAL={interval}" if interval else None
