"""The alarms of a VTODO (RFC 5545, section 3.6.6) as reminders, those of places as losses."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Protocol

from todo_gql.api.durations import Duration
from todo_gql.importing.drafts import Losses
from todo_gql.importing.ical_lines import Component, Property
from todo_gql.importing.records import ImportedDate, ImportedReminder, ProblemCode

_MAX_ALARMS: Final = 20
# Apple gives alarms of places a moment of 1976, so that no other program rings them.
_FIRST_YEAR: Final = 1980


class Moments(Protocol):
    """Reads moments of properties."""

    def moment(self, property: Property | None) -> datetime | None:
        """The moment of a property; None if it is none."""


def reminders_of(
    todo: Component,
    due: ImportedDate | None,
    start: ImportedDate | None,
    moments: Moments,
    losses: Losses,
) -> Iterator[ImportedReminder]:
    """The reminders of a todo: offsets from its start or due date, and moments."""
    alarms = [each for each in todo.components if each.name == "VALARM"]
    for alarm in alarms[:_MAX_ALARMS]:
        trigger = alarm.first("TRIGGER")
        location = f"line {alarm.line}"
        if alarm.first("X-APPLE-PROXIMITY") or alarm.first("PROXIMITY"):
            losses.add("Reminder at", _address(alarm), "places remind of nothing here", at=location)
        elif trigger is None or not trigger.raw.strip():
            losses.add("Reminder", alarm.text("ACTION") or "none", "it has no moment", at=location)
        elif reminder := _reminder(trigger, due, start, moments):
            yield reminder
        else:
            losses.add(
                "Reminder", trigger.raw, "there is no such moment", ProblemCode.INVALID, at=location
            )


def _reminder(
    trigger: Property, due: ImportedDate | None, start: ImportedDate | None, moments: Moments
) -> ImportedReminder | None:
    text = trigger.raw.strip()
    if not text.lstrip("+-").upper().startswith("P"):
        moment = moments.moment(trigger)
        return ImportedReminder(at=moment) if moment and moment.year >= _FIRST_YEAR else None
    try:
        offset = Duration.parse(text)
    except ValueError:
        return None
    # A start that is the due date isn't stored, and one that isn't there counts from the due date, too.
    is_from_start = (
        start is not None and trigger.parameters.get("RELATED", "START").upper() == "START"
    )
    if due is None and not is_from_start:
        return None
    return ImportedReminder(offset=str(offset), from_start=is_from_start)


def _address(alarm: Component) -> str:
    """What the alarm says of its place."""
    location = alarm.first("X-APPLE-STRUCTURED-LOCATION")
    words = [alarm.text("X-APPLE-PROXIMITY") or alarm.text("PROXIMITY")]
    if location:
        words += [location.parameters.get("X-TITLE", ""), location.raw]
    return " ".join(filter(None, words))
