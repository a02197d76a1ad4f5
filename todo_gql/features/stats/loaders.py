"""The batch functions that load counts of todos."""

from typing import Any, NamedTuple
from uuid import UUID

from todo_gql.api.errors import Unauthenticated
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.features.stats.overdue import overdue_condition
from todo_gql.observability.request_record import loader
from todo_gql.operation.loaders import LoaderContext, rows_by_id

COUNTS = """
SELECT f.owner_id AS id, f.pending_count, f.in_progress_count, f.completed_count,
    f.cancelled_count FROM feeds f WHERE f.owner_id = $1
"""
OVERDUE = (
    "SELECT count(*) FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NULL"
    f" AND {overdue_condition('$2')}"
)
# All overdue todos are read once from their index, which has the lists, too: whichever lists are asked for.
OVERDUE_OF_LISTS = (
    "SELECT t.list_id AS id, count(*) AS count FROM todos t WHERE t.owner_id = $1"
    f" AND t.deleted_at IS NULL AND {overdue_condition('$2')} AND t.list_id = ANY($3::uuid[])"
    " GROUP BY t.list_id"
)
COUNTS_WITH_OVERDUE = COUNTS.replace(" FROM feeds", f", ({OVERDUE}) AS overdue_count FROM feeds")


class CountSelection(NamedTuple):
    """Whether an operation needs the number of overdue todos together with the other counts."""

    overdue: bool = False


@loader
async def todo_counts(context: LoaderContext, ids: list[UUID]) -> list[Any]:
    """The counts per status that every write updates in the owner's feed.

    An id whose account is deleted, or isn't the viewer's, gets `Unauthenticated`.
    """
    if context.selection(CountSelection).overdue:
        rows = await fetch(COUNTS_WITH_OVERDUE, context.viewer.id, context.now)
    else:
        rows = await fetch(COUNTS, context.viewer.id)
    return [row or Unauthenticated() for row in rows_by_id(rows, ids)]


@loader
async def overdue_counts(context: LoaderContext, ids: list[UUID]) -> list[int]:
    """How many todos of the viewer, or of each list, are overdue now; 0 for those of others.

    They are counted, since time alone changes it.
    """
    viewer_id, counts = context.viewer.id, dict.fromkeys(ids, 0)
    if viewer_id in ids:
        row = await fetchrow(OVERDUE, viewer_id, context.now)
        assert row is not None
        counts[viewer_id] = row["count"]
    if list_ids := [id for id in ids if id != viewer_id]:
        rows = await fetch(OVERDUE_OF_LISTS, viewer_id, context.now, list_ids)
        counts |= {row["id"]: row["count"] for row in rows}
    return [counts[id] for id in ids]
