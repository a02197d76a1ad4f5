"""The batch functions that load counts of todos."""

from typing import Any, NamedTuple
from uuid import UUID

from todo_gql.api.errors import Unauthenticated
from todo_gql.database.connection import fetch
from todo_gql.features.stats.overdue import (
    VIEWER_TIME_ZONE,
    first_today,
    last_today,
    overdue_at,
    overdue_count,
    overdue_on,
    overdue_on_days,
)
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext, rows_by_id
from todo_gql.security.access import IN_LIST_OF_OTHERS, SHARED_LISTS

COUNTS = """
SELECT f.owner_id AS id, f.pending_count, f.in_progress_count, f.completed_count,
    f.cancelled_count FROM feeds f WHERE f.owner_id = $1
"""
LIVE = "t.owner_id = $1 AND t.deleted_at IS NULL"
OVERDUE_AT = f"SELECT count(*) FROM todos t WHERE {LIVE} AND {overdue_at('$2')}"
ON_DAYS = ", ".join(overdue_on_days("$3::date"))
OVERDUE_ON = f"FROM todos t WHERE {LIVE} AND {overdue_on('$3::date + 2')}"
# Moments and days are two ranges of one index, which has the lists, too.
OVERDUE = f"""
SELECT ({OVERDUE_AT}) AS overdue_at, d.*, {VIEWER_TIME_ZONE} FROM (SELECT {ON_DAYS} {OVERDUE_ON}) d
"""
# All overdue todos are read once, whichever lists are asked for.
OVERDUE_OF_LISTS = f"""
SELECT t.list_id AS id, count(*) AS overdue_at, 0 AS overdue_0, 0 AS overdue_1, 0 AS overdue_2,
    {VIEWER_TIME_ZONE}
FROM todos t WHERE {LIVE} AND {overdue_at("$2")} AND t.list_id = ANY($4::uuid[]) GROUP BY t.list_id
UNION ALL
SELECT t.list_id, 0, {ON_DAYS}, {VIEWER_TIME_ZONE} {OVERDUE_ON} AND t.list_id = ANY($4::uuid[])
GROUP BY t.list_id
"""
# A member's are those of the lists of others, too: in a row of their own.
OVERDUE_SHARED = f"""
SELECT count(*) FILTER (WHERE {overdue_at("$2")}) AS overdue_at, {ON_DAYS}, {VIEWER_TIME_ZONE}
FROM {SHARED_LISTS} JOIN todos t ON t.owner_id = m.owner_id AND t.list_id = m.list_id
WHERE {IN_LIST_OF_OTHERS} AND t.deleted_at IS NULL
    AND ({overdue_at("$2")} OR {overdue_on("$3::date + 2")})
"""
OVERDUE_OF_MEMBER = f"{OVERDUE} UNION ALL {OVERDUE_SHARED}"
OVERDUE_OF_LISTS_OF_MEMBER = (
    f"{OVERDUE_OF_LISTS} UNION ALL {OVERDUE_SHARED.replace('SELECT', 'SELECT m.list_id,', 1)}"
    " AND m.list_id = ANY($4::uuid[]) GROUP BY m.list_id"
)
SHARED_COUNTS = ", ".join(
    f"coalesce(sum(ml.{name}), 0)::int AS {name}"
    for name in ("pending_count", "in_progress_count", "completed_count", "cancelled_count")
)
COUNTS_OF_MEMBER = f"""
SELECT f.owner_id AS id, f.pending_count + s.pending_count AS pending_count,
    f.in_progress_count + s.in_progress_count AS in_progress_count,
    f.completed_count + s.completed_count AS completed_count,
    f.cancelled_count + s.cancelled_count AS cancelled_count
FROM feeds f, (SELECT {SHARED_COUNTS} FROM {SHARED_LISTS} WHERE {IN_LIST_OF_OTHERS}) s
WHERE f.owner_id = $1
"""
# Null where the viewer's zone decides: it isn't read for those who have no todo that is due on a day which
# is over somewhere. `$3` is the latest day that it is anywhere.
COUNTS_WITH_OVERDUE = COUNTS.replace(
    " FROM feeds",
    f", CASE WHEN EXISTS (SELECT FROM todos t WHERE {LIVE} AND {overdue_on('$3')}) THEN NULL"
    f" ELSE ({OVERDUE_AT}) END AS overdue_count FROM feeds",
)


class CountSelection(NamedTuple):
    """Whether an operation needs the number of overdue todos together with the other counts."""

    overdue: bool = False


@loader
async def todo_counts(context: LoaderContext, ids: list[UUID]) -> list[Any]:
    """The counts per status that every write updates: in the owner's feed, and in lists of others.

    An id whose account is deleted, or isn't the viewer's, gets `Unauthenticated`.
    """
    if context.viewer.is_member:
        rows = await fetch(COUNTS_OF_MEMBER, context.viewer.id)
    elif context.selection(CountSelection).overdue:
        values = context.viewer.id, context.now, last_today(context.now)
        rows = await fetch(COUNTS_WITH_OVERDUE, *values)
    else:
        rows = await fetch(COUNTS, context.viewer.id)
    return [row or Unauthenticated() for row in rows_by_id(rows, ids)]


@loader
async def overdue_counts(context: LoaderContext, ids: list[UUID]) -> list[int]:
    """How many todos of the viewer, or of each list, are overdue now; 0 for those of others.

    They are counted, since time alone changes it.
    """
    viewer, counts = context.viewer, dict.fromkeys(ids, 0)
    now = context.now
    values = viewer.id, now, first_today(now)
    if viewer.id in ids:
        text = OVERDUE_OF_MEMBER if viewer.is_member else OVERDUE
        counts[viewer.id] = sum(overdue_count(row, now) for row in await fetch(text, *values))
    if list_ids := [id for id in ids if id != viewer.id]:
        text = OVERDUE_OF_LISTS_OF_MEMBER if viewer.is_member else OVERDUE_OF_LISTS
        for row in await fetch(text, *values, list_ids):
            counts[row["id"]] += overdue_count(row, now)
    return [counts[id] for id in ids]
