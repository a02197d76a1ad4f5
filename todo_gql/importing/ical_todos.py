"""A VTODO as a todo: its dates, status, relations and alarms, and what has no home here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar.prop import vDDDTypes

from todo_gql.api.durations import Duration
from todo_gql.api.time_zones import UTC_ZONE
from todo_gql.database.models import Priority, Status
from todo_gql.importing.drafts import Losses, foreign_id, titled
from todo_gql.importing.ical_alarms import reminders_of
from todo_gql.importing.ical_lines import LINE_ERRORS, Component, Property
from todo_gql.importing.ical_series import advanced
from todo_gql.importing.ical_zones import CalendarZones
from todo_gql.importing.json_values import number
from todo_gql.importing.moments import due_at, in_utc, parse_day, rule_problem
from todo_gql.importing.records import (
    ImportedComment,
    ImportedDate,
    ImportedTodo,
    Item,
    Problem,
    ProblemCode,
)

_STATUSES: Final = {
    "NEEDS-ACTION": Status.PENDING,
    "IN-PROCESS": Status.IN_PROGRESS,
    "COMPLETED": Status.COMPLETED,
    "CANCELLED": Status.CANCELLED,
}
# RFC 5545, section 3.8.1.9: 1 to 4 are high, 5 is in the middle, 6 to 9 are low, 0 is none.
_PRIORITIES: Final = {
    1: Priority.URGENT,
    **dict.fromkeys((2, 3, 4), Priority.HIGH),
    5: Priority.MEDIUM,
    **dict.fromkeys((6, 7, 8, 9), Priority.LOW),
}
_DESCRIBED: Final = {
    "LOCATION": "Location",
    "GEO": "Coordinates",
    "URL": "Link",
    "ATTACH": "File",
    "CONTACT": "Contact",
    "RESOURCES": "Resources",
    "ATTENDEE": "Attendee",
    "EXDATE": "Left out",
    "RDATE": "Besides",
    "EXRULE": "Left out",
}
_MAX_DESCRIBED: Final = 50
_DONE: Final = 100
_MAX_DATE_LENGTH: Final = 40
# Tasks.org marks by this second that a date has a time.
_TASKS_ORG_SECOND: Final = 1


def occurrence_id(series_id: str, recurrence_id: Property) -> str:
    """The id of an occurrence of a series."""
    return foreign_id(series_id, recurrence_id.raw)


@dataclass
class TodoReader:
    """Reads VTODOs of one calendar; `completed` are the occurrences that were completed, by their series."""

    zones: CalendarZones
    list_id: str | None
    completed: dict[str, list[Property]]

    def items(self, todo: Component, own_id: str) -> Iterator[Item]:
        """A todo and what has no home of it, or the problem that it is an override without an end."""
        description = todo.text("DESCRIPTION")
        losses = Losses(f"line {todo.line}", titled(todo.text("SUMMARY"), description))
        status = self._status(todo, losses)
        if todo.first("RECURRENCE-ID") and status not in (Status.COMPLETED, Status.CANCELLED):
            message = "A changed occurrence of a repeating todo isn't imported."
            yield Problem(losses.location, ProblemCode.UNSUPPORTED, message, losses.title[:200])
            return
        start, due = self._dates(todo, losses)
        due, start, rule, status = self._repeating(todo, due, start, status, losses)
        priority, parent_id = self._priority(todo, losses), self._parent_id(todo, own_id, losses)
        self._describe(todo, losses)
        reminders = tuple(reminders_of(todo, due, start, self, losses))
        completed = todo.first("COMPLETED")
        yield ImportedTodo(
            foreign_id=own_id,
            location=losses.location,
            title=losses.title,
            description=losses.described(description),
            status=status,
            priority=priority,
            tags=_tags(todo),
            list_id=self.list_id,
            parent_id=parent_id,
            due=due,
            start=start,
            rule=rule,
            created_at=self.moment(todo.first("CREATED")),
            completed_at=self.moment(completed) if status == Status.COMPLETED else None,
            reminders=reminders,
            comments=_comments(todo, own_id),
        )
        yield from losses.problems

    def moment(self, property: Property | None) -> datetime | None:
        """The moment of a property, the midnight of a day."""
        read = self._read(property) if property else None
        if read is None:
            return None
        value, zone = read
        return in_utc(
            value if isinstance(value, datetime) else datetime.combine(value, time()), zone
        )

    def _read(self, property: Property) -> tuple[date | datetime, ZoneInfo] | None:
        """The value of a date or time, and the zone of its clock; None if it is neither."""
        text = property.raw.strip()
        if len(text) > _MAX_DATE_LENGTH:
            return None
        try:
            value = vDDDTypes.from_ical(text)
        except LINE_ERRORS:
            return None
        if not isinstance(value, date):
            return None
        if not isinstance(value, datetime):
            return (value, self.zones.default) if parse_day(value.isoformat()) else None
        if value.second == _TASKS_ORG_SECOND:
            value = value.replace(second=0)
        if value.tzinfo:
            return value, UTC_ZONE
        name = property.parameters.get("TZID", "")
        return value, (self.zones.zone(name) if name else None) or self.zones.default

    def _date(self, todo: Component, name: str, losses: Losses) -> ImportedDate | None:
        property = todo.first(name)
        if property is None or not property.raw.strip():
            return None
        zone_name = property.parameters.get("TZID", "")
        read = self._read(property)
        if read and not isinstance(read[0], datetime):
            return ImportedDate(day=read[0])
        moment = in_utc(read[0], read[1]) if read and isinstance(read[0], datetime) else None
        if read is None or moment is None:
            losses.add(name, property.raw, "it is no date", ProblemCode.INVALID)
            return None
        if zone_name and self.zones.zone(zone_name) is None:
            losses.add(
                "Time zone", zone_name, f"it is unknown, and {self.zones.default.key} is taken"
            )
        # A moment in UTC repeats on the calendar's clock.
        return due_at(moment, self.zones.default if read[1] is UTC_ZONE else read[1])

    def _dates(
        self, todo: Component, losses: Losses
    ) -> tuple[ImportedDate | None, ImportedDate | None]:
        """Start and due date; a start that says no more than the due date is none."""
        start, due = self._date(todo, "DTSTART", losses), self._date(todo, "DUE", losses)
        if (duration := todo.first("DURATION")) and due is None:
            due = _after(start, duration)
            if due is None:
                losses.add("Duration", duration.raw, "it needs a start to count from")
        if due is None and start and todo.first("RRULE"):
            due = start
        return (None if start == due else start), due

    def _status(self, todo: Component, losses: Losses) -> Status:
        name = todo.text("STATUS").upper()
        percent = number(todo.text("PERCENT-COMPLETE"))
        if name and name not in _STATUSES:
            losses.add("Status", name, "there is no such status", ProblemCode.INVALID)
        if name in _STATUSES:
            status = _STATUSES[name]
        elif percent >= _DONE or todo.first("COMPLETED"):
            return Status.COMPLETED
        else:
            status = Status.IN_PROGRESS if percent > 0 else Status.PENDING
        if 0 < percent < _DONE:
            losses.add("Percent", str(percent), "progress comes from subtasks")
        return status

    def _priority(self, todo: Component, losses: Losses) -> Priority | None:
        text = todo.text("PRIORITY")
        if text and text != "0" and number(text) not in _PRIORITIES:
            losses.add("Priority", text, "it is no number from 0 to 9", ProblemCode.INVALID)
        return _PRIORITIES.get(number(text))

    def _repeating(
        self,
        todo: Component,
        due: ImportedDate | None,
        start: ImportedDate | None,
        status: Status,
        losses: Losses,
    ) -> tuple[ImportedDate | None, ImportedDate | None, str | None, Status]:
        """Dates, rule and status of a series behind the occurrences that were completed."""
        rules = [property.raw.strip() for property in todo.all("RRULE")]
        if not rules or todo.first("RECURRENCE-ID"):
            return due, start, None, status
        rule, problem = rules[0], None
        if len(rules) > 1:
            problem = "a todo has one rule"
        elif status in (Status.COMPLETED, Status.CANCELLED):
            problem = "what is done doesn't repeat"
        else:
            problem = rule_problem(rule, due, self.zones.default)
        if problem or due is None:
            losses.add("Repeats", "; ".join(rules)[:1_000], problem or "")
            return due, start, None, status
        days = {
            read[0] if not isinstance(read[0], datetime) else self._local_day(read, due)
            for property in self.completed.get(todo.text("UID"), ())
            if (read := self._read(property))
        }
        if not days:
            return due, start, rule, status
        series = advanced(rule, due, start, days, self.zones.default)
        if series is None:
            return due, start, None, Status.COMPLETED
        return series.due, series.start, series.rule, status

    def _local_day(self, read: tuple[date | datetime, ZoneInfo], due: ImportedDate) -> date:
        """The day of an occurrence on the clock of its series."""
        moment = in_utc(read[0], read[1]) if isinstance(read[0], datetime) else None
        zone = self.zones.zone(due.zone) if due.zone else None
        return moment.astimezone(zone or self.zones.default).date() if moment else date.min

    def _parent_id(self, todo: Component, own_id: str, losses: Losses) -> str | None:
        parents = []
        for related in todo.all("RELATED-TO"):
            kind = related.parameters.get("RELTYPE", "PARENT").upper()
            parent_id = foreign_id(related.text.strip())
            if kind == "PARENT" and parent_id not in ("", own_id):
                parents.append(parent_id)
            else:
                losses.add("Related", related.text, "todos are related as parents only")
        return parents[0] if parents else None

    def _describe(self, todo: Component, losses: Losses) -> None:
        described = [
            each for each in todo.properties if each.name in _DESCRIBED and each.raw.strip()
        ]
        for property in described[:_MAX_DESCRIBED]:
            is_binary = property.parameters.get("VALUE", "").upper() == "BINARY"
            value = property.parameters.get("FILENAME", "unnamed") if is_binary else property.text
            losses.add(_DESCRIBED[property.name], value, "it has no place here")
        for line in todo.broken[:_MAX_DESCRIBED]:
            losses.add("Line", line, "it can't be read", ProblemCode.INVALID)


def _tags(todo: Component) -> tuple[str, ...]:
    tags = (tag for property in todo.all("CATEGORIES") for tag in property.texts)
    return tuple(dict.fromkeys(filter(None, tags)))


def _comments(todo: Component, own_id: str) -> tuple[ImportedComment, ...]:
    bodies = dict.fromkeys(each.text for each in todo.all("COMMENT") if each.text.strip())
    return tuple(ImportedComment(foreign_id(own_id, "comment", body), body) for body in bodies)


def _after(start: ImportedDate | None, duration: Property) -> ImportedDate | None:
    """The date so long after a start; None if it is none."""
    try:
        length = Duration.parse(duration.raw.strip())
    except ValueError:
        return None
    if start is None or length.is_negative:
        return None
    try:
        if start.day:
            return ImportedDate(day=start.day + timedelta(length.whole_days))
        assert start.at is not None
        # Days move the wall clock, hours the instant.
        zone = CalendarZones(UTC_ZONE).zone(start.zone or "") or UTC_ZONE
        local = start.at.astimezone(zone).replace(tzinfo=None) + timedelta(length.whole_days)
        moment = in_utc(local, zone)
        return due_at(moment + length.time, zone) if moment else None
    except OverflowError:
        return None
