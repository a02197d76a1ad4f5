"""Days in filters, as conditions on the table `todos t`.

The day of a todo is its date, or else the day of its moment in the viewer's time zone. All bounds are
dates and moments computed here, so that PostgreSQL needs to know no time zone.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from todo_gql.api.time_zones import LocalClock
from todo_gql.features.stats.overdue import OPEN
from todo_gql.features.todos.comparators import DayComparator
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.inputs import TodoFilter, parts_of, unset_to_none
from todo_gql.features.todos.snoozes import is_snoozed
from todo_gql.operation.clock import FilterClock, filter_clock
from todo_gql.security.authentication import Viewer

Bind: TypeAlias = Callable[[object], str]

IS_OPEN: Final = f"t.status IN ({OPEN})"
WEEK: Final = 7


class DayField(NamedTuple):
    """The columns of a day: a date, or a moment, and the same as indexes have them.

    Where there is no moment, the indexed date is the date.
    """

    date: str
    moment: str
    indexed_date: str | None = None
    indexed_moment: str | None = None


class DuePart(NamedTuple):
    """A part of a list of todos: those due at a moment, which is in SQL, or with None all others."""

    moment: str | None


DAY_FIELDS: Final = {
    "due": DayField(
        "t.due_date", "t.due_at", "t.due_on", "coalesce(t.due_at, 'infinity'::timestamptz)"
    ),
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


def needs_filter_clock(todo_filter: TodoFilter | None) -> bool:
    """Whether a filter compares days anywhere, on which overdue depends, or what its viewer has snoozed."""
    if todo_filter is None:
        return False
    names = (*DAY_FIELDS, "is_overdue", "is_snoozed")
    if any(unset_to_none(getattr(todo_filter, name)) is not None for name in names):
        return True
    return any(map(needs_filter_clock, parts_of(todo_filter)))


async def clock_of_filter(
    viewer: Viewer, todo_filter: TodoFilter | None, now: datetime
) -> FilterClock:
    """The clock for a viewer's filter: in their time zone, which is read if it matters to the filter."""
    if needs_filter_clock(todo_filter):
        return await filter_clock(viewer, now)
    return FilterClock(now, person_id=viewer.id)


def day_conditions(
    conditions: "DayConditions", comparator: DayComparator, clock: FilterClock
) -> list[str]:
    """The conditions of a comparator, all of which must hold."""
    parts = []
    if (groups := unset_to_none(comparator.in_)) is not None:
        parts.append(conditions.in_groups(set(groups)))
    if (is_null := unset_to_none(comparator.is_null)) is not None:
        parts.append(conditions.without_day() if is_null else conditions.on(Days()))
    if (days := days_between(comparator, clock)) != Days():
        parts.append(conditions.on(days))
    return parts


def days_between(comparator: DayComparator, clock: LocalClock) -> Days:
    """The days between all bounds of a comparator; those of groups aside."""
    bounds = list(_bounds(comparator, clock))
    firsts = [days.first for days in bounds if days.first]
    lasts = [days.last for days in bounds if days.last]
    return Days(max(firsts, default=None), min(lasts, default=None))


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
    """Conditions on the day of a field, by a clock; of the due day perhaps in one part of a list."""

    def __init__(
        self, field: DayField, clock: FilterClock, bind: Bind, part: DuePart | None = None
    ) -> None:
        self.field = field
        self.clock = clock
        self.bind = bind
        self.part = part
        self.may_have_date = part is None or part.moment is None
        self.may_have_moment = part is None or part.moment is not None

    def without_day(self) -> str:
        """There is neither a date nor a moment."""
        if not self.may_have_date:
            return "FALSE"
        return f"{self.field.date} IS NULL AND {self.field.moment} IS NULL"

    def in_groups(self, groups: set[DayGroup]) -> str:
        """The day is in one of the groups, of which TODAY leaves out what its viewer has put off."""
        apart = {DayGroup.NONE}
        parts = []
        if DayGroup.TODAY in groups and (is_shown := self.is_shown_today()):
            apart.add(DayGroup.TODAY)
            parts.append(f"{self.on(days_of(DayGroup.TODAY, self.clock))} AND {is_shown}")
        on_days = [group for group in DayGroup if group in groups - apart]
        spans = _joined([days_of(group, self.clock) for group in on_days])
        parts += [self.on(days) for days in spans]
        if DayGroup.NONE in groups:
            parts.append(f"({self.without_day()})")
        return " OR ".join(parts) or "FALSE"

    def is_shown_today(self) -> str | None:
        """What besides its day has a todo be in TODAY; None if nothing does: of due days, no snooze."""
        if self.field is not DAY_FIELDS["due"] or not self.clock.has_snoozed:
            return None
        return f"NOT ({is_snoozed(self.bind, self.clock)})"

    def on(self, days: Days) -> str:
        """The day is among these, which indexes have: dates and moments apart."""
        if days.first is None and days.last is None:
            return self._with_day()
        if self.field.indexed_date is None:
            return self.within(days)
        sides = [
            *([self._indexed_dates(days, self.field.indexed_date)] if self.may_have_date else ()),
            *([self._indexed_moments(days)] if self.may_have_moment else ()),
        ]
        any_of = f"({' OR '.join(sides)})"
        if days.is_open:
            return f"({IS_OPEN} AND {self.field.indexed_date} IS NOT NULL AND {any_of})"
        return any_of

    def within(self, days: Days) -> str:
        """The same by the columns alone, for rows that are read anyway."""
        dates, moments = [], []
        if days.first is not None:
            dates.append(f"{self.field.date} >= {self.bind(days.first)}")
            moments.append(f"{self.field.moment} >= {self.bind(self.clock.start_of(days.first))}")
        if days.last is not None:
            dates.append(f"{self.field.date} <= {self.bind(days.last)}")
            moments.append(f"{self.field.moment} < {self.bind(self.clock.end_of(days.last))}")
        within = f"({' AND '.join(dates)} OR {' AND '.join(moments)})"
        return f"({IS_OPEN} AND {within})" if days.is_open else within

    def _with_day(self) -> str:
        if not self.may_have_date:
            return "TRUE"
        return f"({self.field.date} IS NOT NULL OR {self.field.moment} IS NOT NULL)"

    def _indexed_dates(self, days: Days, column: str) -> str:
        parts = [f"{self.field.moment} IS NULL"]
        if days.first is not None and days.first == days.last:
            return f"{parts[0]} AND {column} = {self.bind(days.first)}"
        if days.first is not None:
            parts.append(f"{column} >= {self.bind(days.first)}")
        if days.last is not None:
            parts.append(f"{column} <= {self.bind(days.last)}")
        return " AND ".join(parts)

    def _indexed_moments(self, days: Days) -> str:
        # The index of open todos has the moment itself.
        moment = self.field.moment if days.is_open else self.field.indexed_moment
        if self.part is not None:
            moment = self.part.moment
        parts = []
        if days.first is not None:
            parts.append(f"{moment} >= {self.bind(self.clock.start_of(days.first))}")
        if days.last is not None:
            parts.append(f"{moment} < {self.bind(self.clock.end_of(days.last))}")
        else:
            parts.append(f"{moment} < 'infinity'::timestamptz")
        return " AND ".join(parts)


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
