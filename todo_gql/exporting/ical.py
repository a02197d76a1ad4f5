"""Writing iCalendar: a VTODO for each todo, with its rule, its reminders and its parent (RFC 5545)."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Final

from icalendar import Timezone

from todo_gql.api.time_zones import time_zone
from todo_gql.database.models import Priority, Status
from todo_gql.exporting.calendar_values import PRIORITIES, TODO_STATUSES
from todo_gql.exporting.content_lines import folded, moment_value, on_line, text_value
from todo_gql.exporting.records import Record, moment_of

PRODUCT: Final = "-//todo_gql//todo_gql//EN"


def ical_lines(records: Iterable[Record]) -> Iterator[bytes]:
    """The lines of the file; time zones stand behind the todos that need them, as section 3.6 allows."""
    zones = set[str]()
    for text in ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN"):
        yield folded(text)
    for record in records:
        if record["type"] == "todo":
            yield b"".join(map(folded, _todo(record, zones)))
    for name in sorted(zones):
        yield Timezone.from_tzid(name).to_ical()
    yield folded("END:VCALENDAR")


def _todo(record: Record, zones: set[str]) -> Iterator[str]:
    status = Status[record["status"]]
    yield "BEGIN:VTODO"
    yield f"UID:{record['id']}"
    yield f"DTSTAMP:{moment_value(moment_of(record['updatedAt']))}"
    yield f"CREATED:{moment_value(moment_of(record['createdAt']))}"
    yield f"LAST-MODIFIED:{moment_value(moment_of(record['updatedAt']))}"
    yield f"SUMMARY:{text_value(record['title'])}"
    if "description" in record:
        yield f"DESCRIPTION:{text_value(record['description'])}"
    yield f"STATUS:{TODO_STATUSES[status]}"
    yield f"PRIORITY:{PRIORITIES[Priority[record['priority']]]}"
    if "completedAt" in record:
        yield f"COMPLETED:{moment_value(moment_of(record['completedAt']))}"
        yield "PERCENT-COMPLETE:100"
    if tags := record.get("tags"):
        yield f"CATEGORIES:{','.join(map(text_value, tags))}"
    if "parentId" in record:
        yield f"RELATED-TO:{record['parentId']}"
    yield from _dates(record, zones)
    for reminder in record.get("reminders", ()):
        yield from _alarm(reminder, record["title"])
    yield "END:VTODO"


def _dates(record: Record, zones: set[str]) -> Iterator[str]:
    due, start = _value(record, "due"), _value(record, "start")
    rule = _rule(record)
    # A start has to be of the same type as the due, and not after it; a rule needs one (section 3.8.2.4).
    if due is None or start is None or type(due) is not type(start) or start > due:
        start = due if rule else None if due else start
    zone = record["recurrence"]["timeZone"] if rule else "UTC"
    for name, value in (("DTSTART", start), ("DUE", due)):
        if value is not None:
            yield _line(name, value, zone, zones)
    if rule:
        yield f"RRULE:{rule}"


def _rule(record: Record) -> str | None:
    """The rule of an open todo, unless it counts from completion: that can't be said in iCalendar."""
    recurrence = record.get("recurrence")
    if recurrence is None or recurrence["mode"] != "SCHEDULE" or "completedAt" in record:
        return None
    return str(recurrence["rule"])


def _value(record: Record, name: str) -> date | datetime | None:
    if day := record.get(f"{name}Date"):
        return date.fromisoformat(day)
    return moment_of(record[f"{name}At"]) if f"{name}At" in record else None


def _line(name: str, value: date | datetime, zone: str, zones: set[str]) -> str:
    """A date; in the zone of the rule, since a rule in UTC would move with the clocks."""
    if not isinstance(value, datetime) or zone == "UTC":
        return on_line(name, value)
    zones.add(zone)
    local = value.astimezone(UTC).astimezone(time_zone(zone))
    return f"{name};TZID={zone}:{local:%Y%m%dT%H%M%S}"


def _alarm(reminder: Record, title: str) -> Iterator[str]:
    yield "BEGIN:VALARM"
    yield "ACTION:DISPLAY"
    yield f"DESCRIPTION:{text_value(title)}"
    if "at" in reminder:
        yield f"TRIGGER;VALUE=DATE-TIME:{moment_value(moment_of(reminder['at']))}"
    else:
        end = ";RELATED=END" if reminder["anchor"] == "DUE" else ""
        yield f"TRIGGER{end}:{reminder['offset']}"
    yield "END:VALARM"
