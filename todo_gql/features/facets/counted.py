"""Facets of the todos that a filter matches: counted in one statement."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from todo_gql.api.connections import count_rows
from todo_gql.database.connection import Row, fetch
from todo_gql.database.select import SelectQuery
from todo_gql.features.facets.types import GROUPS, Counts
from todo_gql.features.todos.access import SHARED_TAG_COUNT
from todo_gql.features.todos.days import DAY_FIELDS, DayConditions, days_of
from todo_gql.features.todos.enums import DayGroup
from todo_gql.features.todos.list_access import POSITION_OF_MEMBER
from todo_gql.operation.clock import FilterClock
from todo_gql.security.access import Columns

MAX_COUNTED: Final = 100_000
MAX_TAGS: Final = 100
MAX_LISTS: Final = 100
MAX_ASSIGNEES: Final = 100

# The todos are read once, and grouped once: what follows counts a few thousand groups at most.
NUMBERS: Final = """
WITH matched AS MATERIALIZED ({matched}), grouped AS MATERIALIZED (
    SELECT list_id, assignee_id, status, priority, day, count(*) AS count FROM matched
    GROUP BY list_id, assignee_id, status, priority, day
)
SELECT CASE grouping(status, priority, day) WHEN 7 THEN 'total' WHEN 3 THEN 'status'
        WHEN 5 THEN 'priority' ELSE 'day' END AS kind,
    coalesce(status, priority, day)::int AS number, coalesce(sum(count), 0)::int AS count, NULL::uuid AS id,
    NULL::text AS name, NULL::int AS todo_count
FROM grouped GROUP BY GROUPING SETS ((), (status), (priority), (day))
"""
# The ids as an array have PostgreSQL read the index of taggings in its order, each page once, and return the
# rows of these todos alone, where a join would hash all of the owner's taggings. Of more todos than are
# counted, their tags would take longer than all else.
TAGS: Final = f"""
UNION ALL (
    SELECT 'tag', NULL, c.count, g.id, g.name, g.todo_count
    FROM (
        SELECT tt.tag_id, count(*) AS count FROM todo_tags tt
        WHERE tt.owner_id = $1 AND tt.todo_id = ANY(ARRAY(
            SELECT id FROM matched WHERE (SELECT count(*) FROM matched) <= {MAX_COUNTED}
        )) GROUP BY tt.tag_id
    ) c JOIN tags g ON g.owner_id = $1 AND g.id = c.tag_id
    ORDER BY c.count DESC, g.name LIMIT {MAX_TAGS}
)
"""
LISTS: Final = f"""
UNION ALL (
    SELECT 'list', NULL, c.count, c.list_id, NULL, NULL
    FROM (SELECT list_id, sum(count) AS count FROM grouped GROUP BY list_id) c
        LEFT JOIN lists l ON l.owner_id = $1 AND l.id = c.list_id
    ORDER BY c.count DESC, l.position NULLS FIRST, l.id LIMIT {MAX_LISTS}
)
"""
ASSIGNEES: Final = f"""
UNION ALL (
    SELECT 'assignee', NULL, sum(count), assignee_id, NULL, NULL FROM grouped GROUP BY assignee_id
    ORDER BY sum(count) DESC, assignee_id NULLS FIRST LIMIT {MAX_ASSIGNEES}
)
"""

# The same of todos of several owners, as the member `$1` sees their tags and lists.
MEMBER_TAGS: Final = f"""
UNION ALL (
    SELECT 'tag', NULL, c.count, g.id, g.name, {SHARED_TAG_COUNT}
    FROM (SELECT DISTINCT owner_id FROM matched WHERE (SELECT count(*) FROM matched) <= {MAX_COUNTED}) o
        CROSS JOIN LATERAL (
            SELECT tt.tag_id, count(*) AS count FROM todo_tags tt
            WHERE tt.owner_id = o.owner_id
                AND tt.todo_id = ANY(ARRAY(SELECT id FROM matched n WHERE n.owner_id = o.owner_id))
            GROUP BY tt.tag_id
        ) c JOIN tags g ON g.owner_id = o.owner_id AND g.id = c.tag_id
    ORDER BY c.count DESC, g.name LIMIT {MAX_TAGS}
)
"""
MEMBER_LISTS: Final = f"""
UNION ALL (
    SELECT 'list', NULL, c.count, c.list_id, NULL, NULL
    FROM (SELECT list_id, sum(count) AS count FROM grouped GROUP BY list_id) c
        LEFT JOIN lists l ON l.id = c.list_id
    ORDER BY c.count DESC, {POSITION_OF_MEMBER} NULLS FIRST, l.id LIMIT {MAX_LISTS}
)
"""


async def counted(statement: SelectQuery, clock: FilterClock, selected: Collection[str]) -> Counts:
    """The counts of a query's todos `t`, whose first value is their owner, or the member who sees them.

    Counted by tag, list, assignee and day only where `selected` has `tags`, `lists`, `assignees` and `due`.
    """
    narrowed = statement.copy()
    day = _group(narrowed, clock) if "due" in selected else "NULL::int"
    list_id = "t.list_id" if "lists" in selected else "NULL::uuid AS list_id"
    assignee = "t.assignee_id" if "assignees" in selected else "NULL::uuid AS assignee_id"
    columns: Columns = ("t.id", "t.status", "t.priority", list_id, assignee, f"{day} AS day")
    tags, lists = (TAGS, LISTS) if statement.ranges is None else (MEMBER_TAGS, MEMBER_LISTS)
    if statement.ranges:
        columns = ("t.owner_id", *columns)
    text = NUMBERS.format(matched=narrowed.select(columns, limit=MAX_COUNTED + 1))
    text += tags if "tags" in selected else ""
    text += lists if "lists" in selected else ""
    text += ASSIGNEES if "assignees" in selected else ""
    counts = defaultdict[str, dict[int, int]](dict)
    rows: dict[str, list[Row]] = {"tag": [], "list": [], "assignee": []}
    for row in await fetch(text, *narrowed.values, custom_plan=True):
        if row["kind"] in rows:
            rows[row["kind"]].append(row)
        else:
            counts[row["kind"]][row["number"]] = row["count"]
    total = counts["total"].get(None, 0)  # type: ignore[call-overload]
    if total > MAX_COUNTED:
        return Counts(await count_rows(statement), None, None, None, None, None, None)
    return Counts(
        *(total, counts["status"], counts["priority"], counts["day"]),
        *(rows["tag"], rows["list"], rows["assignee"]),
    )


def _group(statement: SelectQuery, clock: FilterClock) -> str:
    """SQL for the number of the group of days in which a todo is due."""
    conditions = DayConditions(DAY_FIELDS["due"], clock, statement.bind)
    cases = [f"WHEN {conditions.without_day()} THEN {GROUPS.index(DayGroup.NONE)}"]
    for number, group in enumerate(GROUPS):
        if group is DayGroup.NONE:
            continue
        within, then = conditions.within(days_of(group, clock)), str(number)
        if group is DayGroup.TODAY and (is_shown := conditions.is_shown_today()):
            then = f"(CASE WHEN {is_shown} THEN {number} END)"
        cases.append(f"WHEN {within} THEN {then}")
    return f"CASE {' '.join(cases)} END"
