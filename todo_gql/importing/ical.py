"""Reading the todos of iCalendar (RFC 5545), as Apple, Tasks.org, Nextcloud, Thunderbird and others write them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from todo_gql.importing.contents import read_bytes
from todo_gql.importing.drafts import MAX_ID_LENGTH, MAX_TODOS, PathIds, foreign_id, titled
from todo_gql.importing.ical_lines import Component, Property, components_of
from todo_gql.importing.ical_todos import TodoReader, occurrence_id
from todo_gql.importing.ical_zones import CalendarZones, named
from todo_gql.importing.records import (
    ImportedList,
    Item,
    Problem,
    ProblemCode,
    ReadOptions,
    UnreadableFile,
)

# As many as the database has, roughly; a file has as many overrides as it may have todos.
MAX_ZONES: Final = 600
_COLOR_LENGTH: Final = 7
# What says nothing about a todo itself.
_IGNORED: Final = frozenset(("DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "CLASS", "TRANSP"))
# What says nothing about which occurrences of a series were completed.
_NO_OVERRIDE: Final = _IGNORED | {
    "SUMMARY", "DESCRIPTION", "CATEGORIES", "CREATED", "DTSTART", "DUE", "PRIORITY", "RRULE", "TRIGGER",
}  # fmt: skip


@dataclass
class _Overview:
    """What a calendar says of all of its todos; `completed` are the occurrences that were, by their series."""

    zones: CalendarZones
    name: str = ""
    color: str | None = None
    overrides: int = 0
    completed: dict[str, list[Property]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)


def read(file: IO[bytes], options: ReadOptions) -> Iterator[Item]:
    """The VTODOs of a file, which may have several calendars; a named calendar is a list.

    A completed override of a repeating todo is a completed todo of its own, and the series goes on behind it.
    Events and journals are counted in a problem. Raises `UnreadableFile`.
    """
    content = read_bytes(file)
    overview = _overview(content, options)
    list_id = None
    if overview.name:
        list_id = foreign_id("calendar", overview.name)
        yield ImportedList(list_id, "line 1", titled(overview.name), color=overview.color)
    reader = TodoReader(overview.zones, list_id, overview.completed)
    ids, seen = PathIds(), Counter[str]()
    for component in components_of(content, ("VTODO",), _IGNORED):
        if not isinstance(component, Component) or component.name != "VTODO":
            continue
        if not component.is_complete:
            message = "The todo has no end: END:VTODO is missing."
            yield Problem(f"line {component.line}", ProblemCode.INVALID, message)
        yield from reader.items(component, _id(component, ids, seen))
    for name, number in overview.others.items():
        message = f"{number} components {name} aren't imported: they are no todos."
        yield Problem("line 1", ProblemCode.UNSUPPORTED, message)


def _overview(content: bytes, options: ReadOptions) -> _Overview:
    overview = _Overview(CalendarZones(options.zone))
    zones = list[Component]()
    is_calendar = False
    for each in components_of(content, ("VTODO", "VTIMEZONE"), _NO_OVERRIDE):
        if isinstance(each, Component):
            is_calendar = is_calendar or each.name in ("VTODO", "VEVENT")
            if each.name == "VTIMEZONE" and len(zones) < MAX_ZONES:
                zones.append(each)
            elif each.name == "VTODO":
                _note_override(each, overview)
            elif each.name in ("VEVENT", "VJOURNAL"):
                overview.others[each.name] += 1
        else:
            is_calendar = is_calendar or each.name in ("VERSION", "PRODID", "END")
            _note_property(each, overview)
    if not is_calendar:
        raise UnreadableFile("The file is no calendar in the format iCalendar.")
    # The zone of the calendar may stand behind those that are known by it.
    for zone in zones:
        overview.zones.define(zone)
    return overview


def _note_override(todo: Component, overview: _Overview) -> None:
    recurrence_id = todo.first("RECURRENCE-ID")
    if recurrence_id and _is_completed(todo) and overview.overrides < MAX_TODOS:
        overview.overrides += 1
        overview.completed.setdefault(todo.text("UID"), []).append(recurrence_id)


def _is_completed(todo: Component) -> bool:
    return todo.text("STATUS").upper() == "COMPLETED" or todo.first("COMPLETED") is not None


def _note_property(property: Property, overview: _Overview) -> None:
    match property.name:
        case "X-WR-CALNAME" | "NAME" if not overview.name:
            overview.name = titled(property.text) if property.text.strip() else ""
        case "X-WR-TIMEZONE":
            overview.zones.default = named(property.text) or overview.zones.default
        case "X-APPLE-CALENDAR-COLOR" | "COLOR" if property.text.strip().startswith("#"):
            color = property.text.strip()[:_COLOR_LENGTH].lower()
            if len(color) == _COLOR_LENGTH and color[1:].isalnum():
                overview.color = color


def _id(todo: Component, ids: PathIds, seen: Counter[str]) -> str:
    """The id of a todo: its UID, with that of its occurrence, and a number where a UID comes twice."""
    uid = todo.text("UID")
    own_id = foreign_id(uid) if uid else ids.next(todo.text("SUMMARY"))
    if recurrence_id := todo.first("RECURRENCE-ID"):
        own_id = occurrence_id(own_id, recurrence_id)
    seen[own_id] += 1
    if seen[own_id] > 1:
        return foreign_id(own_id[: MAX_ID_LENGTH - 10], str(seen[own_id]))
    return own_id
