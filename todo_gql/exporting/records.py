"""What the writers of other programs' formats take: the lists and todos of an export's lines."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import orjson

from todo_gql.api.time_zones import time_zone

Record: TypeAlias = dict[str, Any]
"""A line of an export, by the keys that it has."""

_WRITTEN = (b'{"type":"list"', b'{"type":"todo"')


def records_of(lines: Iterable[bytes]) -> Iterator[Record]:
    """The lists and todos outside the trash; lists come first."""
    for line in lines:
        if line.startswith(_WRITTEN):
            record = orjson.loads(line)
            if "deletedAt" not in record:
                yield record


def moment_of(text: str) -> datetime:
    """A moment as an export has it."""
    return datetime.fromisoformat(text)


def day_of(record: Record, name: str, zone: str | None = None) -> date | None:
    """The day of `dueDate` or `startDate`, or else that of the moment in the todo's zone, by `due` or `start`."""
    if day := record.get(f"{name}Date"):
        return date.fromisoformat(day)
    if moment := record.get(f"{name}At"):
        return moment_of(moment).astimezone(time_zone(zone or record.get("dueTimeZone"))).date()
    return None


def basic_moment(text: str) -> str:
    """A moment in UTC as ISO 8601 has it without separators, to the second."""
    return moment_of(text).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def rule_parts(record: Record) -> dict[str, str]:
    """The parts of a todo's rule; none without one."""
    rule = record.get("recurrence", {}).get("rule", "")
    return dict(part.split("=", 1) for part in rule.split(";")) if rule else {}


def plain_period(record: Record) -> tuple[str, int] | None:
    """The frequency and interval of a rule that consists of nothing else; None for all others.

    A rule that clamps the end of months is one for months, too.
    """
    parts = rule_parts(record)
    days = parts.get("BYMONTHDAY", "")
    if parts.get("BYSETPOS") == "-1" and days.startswith("28") and parts.get("FREQ") == "MONTHLY":
        parts = {name: value for name, value in parts.items() if not name.startswith("BY")}
    if not parts or set(parts) - {"FREQ", "INTERVAL"}:
        return None
    return parts["FREQ"], int(parts.get("INTERVAL", 1))
