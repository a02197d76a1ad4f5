"""The entries of a calendar: todos on their due dates, and where repeating ones will be due."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from heapq import heapify, heappop, heapreplace
from typing import Final, NamedTuple

import orjson

from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import Row
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.recurrence.recurrences import Recurrence, RecurrenceMode
from todo_gql.recurrence.series import Occurrence

MAX_ENTRIES: Final = 5_000
DAYS_BEFORE: Final = 90
DAYS_AFTER: Final = 731
"""Two years, one of them a leap year."""


class Entry(NamedTuple):
    """A todo in a calendar, on the day or at the moment `due`.

    `occurrence` is None where its todo is due now, and else the day of its rule on which it will be.
    """

    row: Row
    due: date | datetime
    occurrence: date | None = None


@dataclass(frozen=True)
class Window:
    """The days that a calendar has, by a clock in its reader's zone."""

    clock: LocalClock

    @property
    def first(self) -> date:
        """Its first day."""
        return self.clock.day_after(-DAYS_BEFORE) or date.min

    @property
    def last(self) -> date:
        """Its last day."""
        return self.clock.day_after(DAYS_AFTER) or date.max

    def distance(self, day: date) -> int | None:
        """How many days are between a day and today; None outside."""
        return abs((day - self.clock.today).days) if self.first <= day <= self.last else None


class Entries(NamedTuple):
    """The entries in their order; `is_whole` unless others of the window were left out."""

    entries: Sequence[Entry]
    is_whole: bool


class _Next(NamedTuple):
    """The next entry of a todo by its distance from today; `number` decides between equal ones."""

    distance: int
    number: int
    entry: Entry
    following: Iterator[Occurrence]


async def nearest_entries(rows: Sequence[Row], window: Window) -> Entries:
    """The entries of todos within the window: the `MAX_ENTRIES` nearest to today, by their days."""
    slices, heap = TimeSlice(is_long=True), list[_Next]()
    for row in rows:
        await slices.checkpoint()
        following = _following(row, window.clock.now)
        if (distance := window.distance(row["due_on"])) is not None:
            entry = Entry(row, row["due_at"] or row["due_date"])
            heap.append(_Next(distance, len(heap), entry, iter(())))
        if coming := _next_of(row, following, window, len(heap)):
            heap.append(coming)
    heapify(heap)
    chosen = list[Entry]()
    while heap and len(chosen) < MAX_ENTRIES:
        await slices.checkpoint()
        nearest = heap[0]
        chosen.append(nearest.entry)
        row = nearest.entry.row
        if coming := _next_of(row, nearest.following, window, nearest.number):
            heapreplace(heap, coming)
        else:
            heappop(heap)
    chosen.sort(key=_day_of)
    return Entries(chosen, not heap)


def _next_of(
    row: Row, following: Iterator[Occurrence], window: Window, number: int
) -> _Next | None:
    """The next entry where a todo will be due; None after the last one in the window."""
    occurrence = next(following, None)
    distance = window.distance(occurrence.date) if occurrence else None
    if occurrence is None or distance is None:
        return None
    due = occurrence.at or occurrence.date
    return _Next(distance, number, Entry(row, due, occurrence.date), following)


def _following(row: Row, now: datetime) -> Iterator[Occurrence]:
    """Where an open todo will be due after now by the days of its rule, which completions don't move."""
    if row["recurrence"] is None or row["status"] not in OPEN_STATUSES:
        return iter(())
    recurrence = Recurrence.from_json(orjson.loads(row["recurrence"]))
    if recurrence.mode is not RecurrenceMode.SCHEDULE:
        return iter(())
    # Those that one who catches up goes through after the one that is due are past: none is on its day.
    onwards = replace(recurrence, catches_up=False)
    return onwards.following(row["due_at"] or row["due_date"], now)


def _day_of(entry: Entry) -> tuple[date, bool, str]:
    day = entry.occurrence or entry.row["due_on"]
    return day, isinstance(entry.due, datetime), str(entry.row["id"])


def hour_of(now: datetime) -> datetime:
    """The beginning of an hour: a calendar stays the same within it."""
    return now - timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
