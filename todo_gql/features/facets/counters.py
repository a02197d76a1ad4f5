"""Facets of all todos outside the trash: read from the counters that every write updates."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from todo_gql.api.errors import Unauthenticated
from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.database.select import SelectQuery
from todo_gql.features.facets.counted import (
    MAX_ASSIGNEES,
    MAX_COUNTED,
    MAX_LISTS,
    MAX_TAGS,
    counted,
)
from todo_gql.features.facets.types import GROUPS, Counts
from todo_gql.features.stats.overdue import OPEN
from todo_gql.features.todos.access import TAG_COLUMNS, shared_todos, visible_tags
from todo_gql.features.todos.days import DAY_FIELDS, WEEK, DayConditions, days_of
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.filters import listed_todos
from todo_gql.features.todos.list_access import visible_lists
from todo_gql.operation.clock import HAS_SNOOZED, FilterClock
from todo_gql.operation.context import Context
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import Membership

STATUSES: Final = ("pending_count", "in_progress_count", "completed_count", "cancelled_count")
PRIORITIES: Final = ("low_count", "medium_count", "high_count", "urgent_count")
COUNTERS: Final = f"""
SELECT {", ".join(f"greatest(0, f.{name}) AS {name}" for name in (*STATUSES, *PRIORITIES))},
    f.seq = f.counted_seq AS is_counted, u.time_zone,
    {HAS_SNOOZED}
FROM feeds f, users u WHERE f.owner_id = $1 AND u.id = $1
"""
# A list in the trash has no todos outside it.
LISTS: Final = f"""
WITH counted AS ({{counted}})
SELECT id, position, count FROM counted WHERE count > 0
UNION ALL
SELECT NULL, NULL, {{total}}::int - coalesce(sum(count), 0) FROM counted
HAVING {{total}}::int > coalesce(sum(count), 0)
ORDER BY count DESC, position NULLS FIRST, id LIMIT {MAX_LISTS}
"""
# The index of assignees has those todos alone that have one.
ASSIGNEES: Final = f"""
WITH counted AS (SELECT assignee_id AS id, count(*)::int AS count FROM ({{assigned}}) a GROUP BY assignee_id)
SELECT id, count FROM (
    SELECT id, count FROM counted
    UNION ALL
    SELECT NULL, {{total}}::int - coalesce(sum(count), 0) FROM counted
    HAVING {{total}}::int > coalesce(sum(count), 0)
) c WHERE (SELECT coalesce(sum(count), 0) FROM counted) <= {MAX_COUNTED}
ORDER BY count DESC, id NULLS FIRST LIMIT {MAX_ASSIGNEES}
"""
HALF_A_DAY: Final = timedelta(hours=12)
TODAY: Final = GROUPS.index(DayGroup.TODAY)


class Boundary(NamedTuple):
    """The first moment of a day of the viewer's, as counters have it, which count by days of UTC.

    What is due before it is what is due before `utc_day`, and `sign` times what is due from `start` to
    `end`, which is half a day at most.
    """

    day: date
    utc_day: date
    sign: int
    start: datetime
    end: datetime


def boundary(day: date, clock: LocalClock) -> Boundary:
    """The boundary before a day of the clock's zone."""
    moment = clock.start_of(day)
    midnight = datetime.combine(moment.date(), time(), UTC)
    if moment - midnight <= HALF_A_DAY:
        return Boundary(day, midnight.date(), 1, midnight, moment)
    next_midnight = midnight + timedelta(1)
    return Boundary(day, next_midnight.date(), -1, moment, next_midnight)


async def stored_facets(context: Context, selected: Collection[str]) -> Counts:
    """The counts of all of the viewer's todos; `Unauthenticated` if the account is deleted.

    Until the worker has counted what a release before this one has written, they are counted here.
    """
    viewer = context.signed_in()
    if not viewer.is_member:
        return (await _own_facets(context, viewer, selected)).counts
    own = await _own_facets(context, replace(viewer, membership=Membership()), selected)
    shared = shared_todos(viewer).where("t.deleted_at IS NULL")
    return own.counts.plus(await counted(shared, own.clock, selected))


class OwnFacets(NamedTuple):
    """The counts of somebody's own todos, and the clock by which they are counted."""

    counts: Counts
    clock: FilterClock


async def _own_facets(context: Context, viewer: Viewer, selected: Collection[str]) -> OwnFacets:
    row = await fetchrow(COUNTERS, viewer.id, context.now)
    if row is None:
        raise Unauthenticated
    clock = FilterClock(context.now, row["time_zone"], viewer.id, row["has_snoozed"])
    if not row["is_counted"]:
        return OwnFacets(await counted(listed_todos(viewer, None), clock, selected), clock)
    by_status = {number: row[name] for number, name in enumerate(STATUSES)}
    total = sum(by_status.values())
    counts = Counts(
        total,
        by_status,
        {number: row[name] for number, name in enumerate(PRIORITIES)},
        await _by_group(viewer, clock, total) if "due" in selected else {},
        await _tags(viewer) if "tags" in selected else (),
        await _lists(viewer, total) if "lists" in selected else (),
        await _assignees(viewer, total) if "assignees" in selected else (),
    )
    return OwnFacets(counts, clock)


async def _tags(viewer: Viewer) -> list[Row]:
    statement = visible_tags(viewer)
    columns = (*TAG_COLUMNS, "g.todo_count AS count")
    text = statement.select(columns, "-g.todo_count, g.name, g.id", MAX_TAGS)
    return await fetch(text, *statement.values)


async def _lists(viewer: Viewer, total: int) -> list[Row]:
    """The lists that have todos, and the inbox, which has the rest of them."""
    statement = visible_lists(viewer)
    count = " + ".join(f"greatest(0, l.{name})" for name in STATUSES)
    lists = statement.select(("l.id", "l.position", f"{count} AS count"))
    text = LISTS.format(counted=lists, total=statement.bind(total))
    return await fetch(text, *statement.values)


async def _assignees(viewer: Viewer, total: int) -> Sequence[Row]:
    """Who is to do todos, and nobody, who has the rest of them; none where too many are assigned to count."""
    statement = listed_todos(viewer, None).where("t.assignee_id IS NOT NULL")
    assigned = statement.select(("t.assignee_id",), limit=MAX_COUNTED + 1)
    text = ASSIGNEES.format(assigned=assigned, total=statement.bind(total))
    return await fetch(text, *statement.values)


async def _by_group(viewer: Viewer, clock: FilterClock, total: int) -> dict[int, int]:
    """How many are due in each group of days: only at the boundaries todos are counted, and snoozed ones."""
    statement = SelectQuery("due_counts c")
    statement.where(f"c.owner_id = {statement.bind(viewer.id)}")
    days = (clock.day_after(number) or date.max for number in (0, 1, 2, WEEK + 1))
    boundaries = [boundary(day, clock) for day in days]
    columns = [
        "coalesce(sum(c.open_count + c.closed_count), 0) AS days",
        f"{_before(statement, boundaries[0], is_open=True)} AS overdue",
        *(f"{_before(statement, one)} AS before_{n}" for n, one in enumerate(boundaries)),
        *([f"{_snoozed_today(statement, clock)} AS snoozed"] if clock.has_snoozed else ()),
    ]
    row = await fetchrow(statement.select(columns), *statement.values)
    assert row is not None
    before = [int(row[f"before_{number}"]) for number in range(len(boundaries))]
    counts = [int(row["overdue"])]
    counts += [end - start for start, end in pairwise(before)]
    counts[TODAY] -= int(row["snoozed"]) if clock.has_snoozed else 0
    counts += [int(row["days"]) - before[-1], total - int(row["days"])]
    return {number: max(0, count) for number, count in enumerate(counts)}


def _snoozed_today(statement: SelectQuery, clock: FilterClock) -> str:
    """SQL for how many of those that are due today the viewer has put off."""
    bind = statement.bind
    today = DayConditions(DAY_FIELDS["due"], clock, bind).within(days_of(DayGroup.TODAY, clock))
    return (
        "(SELECT count(*) FROM snoozes z JOIN todos t ON t.owner_id = z.owner_id AND t.id = z.todo_id"
        f" WHERE z.person_id = {bind(clock.person_id)} AND z.until > {bind(clock.now)}"
        f" AND t.owner_id = $1 AND t.deleted_at IS NULL AND ({today}))"
    )


def _before(statement: SelectQuery, edge: Boundary, *, is_open: bool = False) -> str:
    """SQL for how many todos are due before a boundary, or how many of those are open."""
    counter = "c.open_count" if is_open else "c.open_count + c.closed_count"
    bind = statement.bind
    days = (
        f"coalesce(sum({counter}) FILTER (WHERE c.day <"
        f" CASE WHEN c.is_timed THEN {bind(edge.utc_day)}::date ELSE {bind(edge.day)}::date END), 0)"
    )
    if edge.start == edge.end:
        return days
    # Each by an index of its own.
    due_at = "t.due_at" if is_open else "coalesce(t.due_at, 'infinity'::timestamptz)"
    near = (
        "SELECT count(*) FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NULL"
        f" AND {due_at} >= {bind(edge.start)} AND {due_at} < {bind(edge.end)}"
    )
    status = f" AND t.status IN ({OPEN})" if is_open else ""
    return f"{days} {'+' if edge.sign > 0 else '-'} ({near}{status})"
