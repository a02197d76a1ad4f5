"""Where a repeating todo stands whose completed occurrences are todos of their own."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from todo_gql.api.time_zones import time_zone
from todo_gql.importing.records import ImportedDate
from todo_gql.recurrence.grammar import parse_rule
from todo_gql.recurrence.series import Occurrence, Series

# Each sees a thousand days of a daily rule.
_MAX_SEARCHES: Final = 20


@dataclass(frozen=True)
class SeriesState:
    """The next occurrence of a series that is open: its dates, and the rule from then on."""

    due: ImportedDate
    start: ImportedDate | None
    rule: str


def advanced(
    text: str,
    due: ImportedDate,
    start: ImportedDate | None,
    completed: Collection[date],
    default: ZoneInfo,
) -> SeriesState | None:
    """A series behind the occurrences on these days; None if there is none left."""
    rule = parse_rule(text)
    zone = time_zone(due.zone) if due.zone else default
    local = due.at.astimezone(zone) if due.at else None
    day = due.day or (local.date() if local else date.min)
    series = Series(rule, day, local.time() if local else None, zone)
    for index, occurrence in enumerate(_occurrences(series, day)):
        if occurrence.date not in completed:
            if rule.count:
                rule = replace(rule, count=rule.count - index)
            next_due = (
                ImportedDate(at=occurrence.at, zone=due.zone)
                if occurrence.at
                else ImportedDate(day=occurrence.date)
            )
            return SeriesState(next_due, _moved(start, occurrence.date - day, zone), str(rule))
    return None


def _occurrences(series: Series, day: date) -> Iterator[Occurrence]:
    """The occurrences from a day on, in as many searches as it takes."""
    for _ in range(_MAX_SEARCHES):
        last = None
        try:
            for occurrence in series.on_or_after(day):
                yield (last := occurrence)
            if last is None:
                return
            day = last.date + timedelta(1)
        except OverflowError:
            return


def _moved(start: ImportedDate | None, by: timedelta, zone: ZoneInfo) -> ImportedDate | None:
    if start is None:
        return None
    if start.day:
        return ImportedDate(day=start.day + by)
    assert start.at is not None
    local = start.at.astimezone(zone).replace(tzinfo=None) + by
    return ImportedDate(at=local.replace(tzinfo=zone).astimezone(UTC), zone=start.zone)
