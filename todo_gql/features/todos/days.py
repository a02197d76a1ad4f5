"""Days in filters, as conditions on the table `todos t`.

The day of a todo is its date, or else the day of its moment in the viewer's time zone. All bounds are
dates and moments computed here, so that PostgreSQL needs to know no time zone.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from todo_gql.api.time_zones import LocalClock, time_zone
from todo_gql.database.connection import fetchrow
from todo_gql.features.stats.overdue import OPEN
from todo_gql.features.todos.comparators import DayComparator
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.security.authentication import Viewer

Bind: TypeAlias = Callable[[object], str]

TIME_ZONE = "SELECT time_zone FROM users WHERE id = $1"
IS_OPEN: Final = f"t.status IN ({OPEN})"
WEEK: Final = 7
# Zones are up to 26 hours apart, so that a moment's days in two of them are two apart at most.
MAX_DAYS_APART: Final = 2


class DayField(NamedTuple):
    """The columns of a day: a date, a moment, and one that is near the day if an index has it."""

    date: str
    moment: str
    indexed: str | None = None


DAY_FIELDS: Final = {
    "due": DayField("t.due_date", "t.due_at", "t.due_on"),
    "start": DayField("t.start_date", "t.start_at"),
}
DAY_COLUMNS: Final = ("due_date", "start_date", "start_at")
"""The columns of days that no other filter compares."""


class Days(NamedTuple):
    """Consecutive days, both ends among them; without an end, all days in that direction.

    None of them if `first` comes after `last`. With `is_open` only days of todos that are still open.
    """

    first: date | None = None
    last: date | None = None
    is_open: bool = False


def days_of(group: DayGroup, clock: LocalClock) -> Days:
    """The days of a group other than NONE."""

    def after(days: int) -> date:
        return clock.day_after(days) or date.max

    match group:
        case DayGroup.OVERDUE:
            return Days(last=clock.day_after(-1) or date.min, is_open=True)
        case DayGroup.TODAY:
            return Days(clock.today, clock.today)
        case DayGroup.TOMORROW:
            return Days(after(1), after(1))
        case DayGroup.NEXT_7_DAYS:
            return Days(after(2), after(WEEK))
        case _:
            return Days(first=after(WEEK + 1))


def uses_days(todo_filter: TodoFilter | None) -> bool:
    """Whether a filter compares days anywhere."""
    if todo_filter is None:
        return False
    if any(unset_to_none(getattr(todo_filter, name)) is not None for name in DAY_FIELDS):
        return True
    parts = [*(unset_to_none(todo_filter.and_) or ()), *(unset_to_none(todo_filter.or_) or ())]
    return any(map(uses_days, parts)) or uses_days(unset_to_none(todo_filter.not_))


async def local_clock(viewer: Viewer, todo_filter: TodoFilter | None, now: datetime) -> LocalClock:
    """The clock for a viewer's filter: in their time zone, which is read if the filter has days."""
    return await viewer_clock(viewer, now) if uses_days(todo_filter) else LocalClock(now)


async def viewer_clock(viewer: Viewer, now: datetime) -> LocalClock:
    """The clock in the viewer's time zone."""
    row = await fetchrow(TIME_ZONE, viewer.id)
    return LocalClock(now, time_zone(row["time_zone"] if row else None))


def day_conditions(
    field: DayField, comparator: DayComparator, clock: LocalClock, bind: Bind
) -> list[str]:
    """The conditions of a comparator, all of which must hold."""
    conditions = DayConditions(field, clock, bind)
    parts = []
    if (groups := unset_to_none(comparator.in_)) is not None:
        parts.append(conditions.in_groups(set(groups)))
    if (is_null := unset_to_none(comparator.is_null)) is not None:
        parts.append(conditions.without_day() if is_null else conditions.on(Days()))
    bounds = list(_bounds(comparator, clock))
    if bounds:
        firsts = [days.first for days in bounds if days.first]
        lasts = [days.last for days in bounds if days.last]
        days = Days(max(firsts, default=None), min(lasts, default=None))
        parts.append(conditions.on(days))
    return parts


def _bounds(comparator: DayComparator, clock: LocalClock) -> Iterator[Days]:
    if (first := unset_to_none(comparator.gte)) is not None:
        yield Days(first=first)
    if (last := unset_to_none(comparator.lte)) is not None:
        yield Days(last=last)
    if (number := unset_to_none(comparator.gte_days)) is not None:
        day = clock.day_after(number)
        # Before all days, or after all of them.
        yield Days(first=day or date.min) if day or number < 0 else Days(date.max, date.min)
    if (number := unset_to_none(comparator.lte_days)) is not None:
        day = clock.day_after(number)
        yield Days(last=day or date.max) if day or number > 0 else Days(date.max, date.min)


class DayConditions:
    """Conditions on the day of a field, by a clock."""

    def __init__(self, field: DayField, clock: LocalClock, bind: Bind) -> None:
        self.field = field
        self.clock = clock
        self.bind = bind

    def without_day(self) -> str:
        """There is neither a date nor a moment."""
        return f"{self.field.date} IS NULL AND {self.field.moment} IS NULL"

    def in_groups(self, groups: set[DayGroup]) -> str:
        """The day is in one of the groups."""
        on_days = [group for group in DayGroup if group in groups - {DayGroup.NONE}]
        spans = _joined([days_of(group, self.clock) for group in on_days])
        parts = [self.within(days) for days in spans]
        if DayGroup.NONE in groups:
            parts.append(f"({self.without_day()})")
        any_of = " OR ".join(parts) or "FALSE"
        if DayGroup.NONE in groups or not spans:
            return any_of
        near = Days(
            None if spans[0].first is None else min(days.first or date.min for days in spans),
            None if spans[-1].last is None else max(days.last or date.max for days in spans),
        )
        return f"({any_of}){self._near(near)}"

    def on(self, days: Days) -> str:
        """The day is among these."""
        return f"{self.within(days)}{self._near(days)}"

    def within(self, days: Days) -> str:
        if days.first is None and days.last is None:
            return f"({self.field.date} IS NOT NULL OR {self.field.moment} IS NOT NULL)"
        dates, moments = [], []
        if days.first is not None:
            dates.append(f"{self.field.date} >= {self.bind(days.first)}")
            moments.append(f"{self.field.moment} >= {self.bind(self.clock.start_of(days.first))}")
        if days.last is not None:
            dates.append(f"{self.field.date} <= {self.bind(days.last)}")
            moments.append(f"{self.field.moment} < {self.bind(self.clock.end_of(days.last))}")
        within = f"({' AND '.join(dates)} OR {' AND '.join(moments)})"
        return f"({IS_OPEN} AND {within})" if days.is_open else within

    def _near(self, days: Days) -> str:
        """A condition on the indexed column that follows from the day's being among these."""
        column, parts = self.field.indexed, ""
        if column is None:
            return parts
        if days.first is not None:
            parts += f" AND {column} >= {self.bind(_shifted(days.first, -MAX_DAYS_APART))}"
        if days.last is not None:
            parts += f" AND {column} <= {self.bind(_shifted(days.last, MAX_DAYS_APART))}"
        return parts


def _joined(spans: list[Days]) -> list[Days]:
    """The same days in fewer spans, where one begins on the day after another ends."""
    joined: list[Days] = []
    for days in spans:
        if joined and _follows(joined[-1], days):
            days = Days(joined.pop().first, days.last)  # noqa: PLW2901 - it takes its place
        joined.append(days)
    return joined


def _follows(before: Days, after: Days) -> bool:
    """Whether one begins on the day after another ends, and both are of any todos."""
    if before.is_open or after.is_open or before.last is None or after.first is None:
        return False
    return after.first - before.last == timedelta(1)


def _shifted(day: date, days: int) -> date:
    try:
        return day + timedelta(days)
    except OverflowError:
        return date.max if days > 0 else date.min
