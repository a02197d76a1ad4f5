"""The repetitions of Microsoft's Graph, patternedRecurrence, as recurrence rules."""

from typing import Final

from todo_gql.importing.json_values import JSONObject, json_object, number, string, strings
from todo_gql.importing.moments import parse_day

_DAYS: Final = {
    "monday": "MO",
    "tuesday": "TU",
    "wednesday": "WE",
    "thursday": "TH",
    "friday": "FR",
    "saturday": "SA",
    "sunday": "SU",
}
_POSITIONS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_LAST_COMMON_DAY: Final = 28


def rule_of(recurrence: JSONObject) -> tuple[str | None, str]:
    """The rule of a repetition, None if it has none, and the words that stand for it."""
    pattern = json_object(recurrence.get("pattern"))
    extent = json_object(recurrence.get("range"))
    kind = string(pattern.get("type"))
    parts = _parts(kind, pattern)
    words = ", ".join(
        f"{key}: {value}"
        for key, value in (*pattern.items(), *extent.items())
        if isinstance(value, (str, int)) and value
    )
    if parts is None:
        return None, words[:500] or "by an unknown pattern"
    interval = number(pattern.get("interval"))
    # The pattern's weeks begin on its own day, which changes what every second week is.
    if kind == "weekly" and (first := _DAYS.get(string(pattern.get("firstDayOfWeek")).lower())):
        parts += f";WKST={first}"
    if interval > 1:
        parts += f";INTERVAL={interval}"
    return parts + _end(extent), words[:500]


def _parts(kind: str, pattern: JSONObject) -> str | None:
    days = ",".join(
        _DAYS[day.lower()] for day in strings(pattern.get("daysOfWeek")) if day.lower() in _DAYS
    )
    month = number(pattern.get("month"))
    position = _POSITIONS.get(string(pattern.get("index")).lower(), 1)
    month_day = _month_day(number(pattern.get("dayOfMonth")))
    parts = {
        "daily": "FREQ=DAILY",
        "weekly": f"FREQ=WEEKLY;BYDAY={days}" if days else "FREQ=WEEKLY",
        "absoluteMonthly": f"FREQ=MONTHLY;{month_day}".removesuffix(";"),
    }
    if days:
        parts["relativeMonthly"] = f"FREQ=MONTHLY;BYDAY={days};BYSETPOS={position}"
    if month and month_day:
        parts["absoluteYearly"] = f"FREQ=YEARLY;BYMONTH={month};{month_day}"
    if month and days:
        parts["relativeYearly"] = f"FREQ=YEARLY;BYMONTH={month};BYDAY={days};BYSETPOS={position}"
    return parts.get(kind)


def _month_day(day: int) -> str:
    """The day of the month, which is the last one in months that are too short."""
    if day <= _LAST_COMMON_DAY:
        return f"BYMONTHDAY={day}" if day > 0 else ""
    days = ",".join(map(str, range(_LAST_COMMON_DAY, min(day, 31) + 1)))
    return f"BYMONTHDAY={days};BYSETPOS=-1"


def _end(extent: JSONObject) -> str:
    kind = string(extent.get("type"))
    if kind == "numbered" and (count := number(extent.get("numberOfOccurrences"))):
        return f";COUNT={count}"
    if kind == "endDate" and (day := parse_day(string(extent.get("endDate")))):
        return f";UNTIL={day:%Y%m%d}"
    return ""
