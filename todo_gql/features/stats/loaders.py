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
    """How many todos are overdue now: counted, since time alone changes it; 0 for other users."""
    row = await fetchrow(OVERDUE, context.viewer.id, context.now)
    assert row is not None
    return [row["count"] if owner_id == context.viewer.id else 0 for owner_id in ids]
