"""Dates and times as other programs write them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from todo_gql.api.time_zones import TimeZoneName, time_zone, time_zone_names
from todo_gql.importing.records import ImportedDate
from todo_gql.recurrence.normalization import begin
from todo_gql.recurrence.recurrences import RecurrenceMode
from todo_gql.recurrence.rules import RuleError

_MAX_LENGTH: Final = 40
# Programs write the year 1 or 1601 for "none", and no zone moves what is between out of the calendar.
_FIRST_YEAR, _LAST_YEAR = 1700, 9998
_NOON: Final = timedelta(hours=12)


def parse_moment(text: str, zone: ZoneInfo) -> datetime | None:
    """The moment that ISO 8601 writes so, in UTC, in the zone if it names none; None for all else."""
    if len(text) > _MAX_LENGTH:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return in_utc(moment, zone)


def parse_day(text: str) -> date | None:
    """The day that ISO 8601 writes so; None for all else."""
    if len(text) > _MAX_LENGTH:
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def in_utc(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """A moment in UTC, one without offset taken from the zone's clock; None for years that mean none."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC)


def zone_or(name: str, otherwise: ZoneInfo) -> ZoneInfo:
    """The zone of a name of the IANA database, or else another one."""
    return time_zone(name) if name in time_zone_names() else otherwise


def day_of_midnight(moment: datetime, zone: ZoneInfo) -> date:
    """The day whose midnight a moment is: in the zone, in UTC, or else in the zone where it is one.

    From midnight to noon in UTC it is midnight west of Greenwich, on the same day; later, it is the next
    day's in the east.
    """
    if moment.astimezone(zone).time() == time():
        return moment.astimezone(zone).date()
    return (moment.astimezone(UTC) + _NOON).date()


def due_at(moment: datetime, zone: ZoneInfo) -> ImportedDate:
    """A date with a time, on a zone's clock."""
    return ImportedDate(at=moment, zone=zone.key)


def rule_problem(
    rule: str, due: ImportedDate | None, zone: ZoneInfo, *, from_completion: bool = False
) -> str | None:
    """Why a todo can't repeat by a rule, as the end of a sentence; None if it can."""
    if due is None:
        return "nothing repeats without a due date"
    first = due.day or due.at
    assert first is not None
    mode = RecurrenceMode.COMPLETION if from_completion else RecurrenceMode.SCHEDULE
    name = TimeZoneName(due.zone or zone.key)
    try:
        begin(rule, mode, name, first)
    except RuleError as error:
        return str(error).rstrip(".")
    return None
