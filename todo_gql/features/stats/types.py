"""The counts of a user's todos as clients see them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from todo_gql.database.connection import Row
from todo_gql.execution import RowType, loaded_value
from todo_gql.features.stats.loaders import CountSelection, overdue_counts, todo_counts
from todo_gql.features.stats.overdue import overdue_columns, overdue_count
from todo_gql.operation.context import Context, Info, loader_of
from todo_gql.operation.lookahead import selected_fields

_STATUS_NAMES = ("pending", "in_progress", "completed", "cancelled")


def count_columns(now: str, first: str, id: str = "$1::uuid") -> list[str]:
    """The columns of `TodoStats.from_counted`, for a count of rows `t` of todos.

    `now`, `first` and `id` are SQL expressions, `first` for `first_today`, `id` for whose todos they are: the owner's, who is the
    statement's first parameter, or a list's.
    """
    by_status = (
        f"count(*) FILTER (WHERE t.status = {status}) AS {name}_count"
        for status, name in enumerate(_STATUS_NAMES)
    )
    return [f"{id} AS id", *by_status, *overdue_columns(now, first)]


def prefetch_counts(info: Info) -> None:
    """Count overdue todos in the statement that reads the other counts, if both are selected."""
    if "overdue" in selected_fields(info):
        info.context.loaders.context.select(CountSelection(overdue=True))


async def stored_counts(context: Context) -> Row:
    """The viewer's counts per status, as every write updates them in the owner's feed.

    `Unauthenticated` if nobody is signed in or the account is deleted.
    """
    viewer = context.signed_in()
    row: Row = await context.loader(todo_counts).load_one(viewer.id)
    return row


@strawberry.type(description="How many todos there are of each kind, the trash left out.")
class TodoStats:
    """Counts of todos."""

    total: int = strawberry.field(description="All todos.")
    pending: int = strawberry.field(description="Those that are PENDING.")
    in_progress: int = strawberry.field(description="Those that are IN_PROGRESS.")
    completed: int = strawberry.field(description="Those that are COMPLETED.")
    cancelled: int = strawberry.field(description="Those that are CANCELLED.")
    completion_rate: float = strawberry.field(
        description="Completed todos as a percentage of all, 0 when there are none."
    )
    key: strawberry.Private[UUID]

    overdue: int = loaded_value(
        loader_of(overdue_counts),
        by="key",
        prefetched_column="overdue_count",
        description="Those that are PENDING or IN_PROGRESS, and were due before now, or on a day before today "
        "in the viewer's time zone.",
    )

    @classmethod
    def from_counts(cls, row: Row) -> "TodoStats":
        """The stats in a row of counts, with the id of their owner or list.

        Without `overdue_count` in it, that is loaded on demand.
        """
        return STATS.lazy(row)

    @classmethod
    def from_counted(cls, row: Row, now: datetime) -> "TodoStats":
        """The stats in a row of `count_columns`, counted at a moment."""
        counts: Any = {**dict(row), "overdue_count": overdue_count(row, now)}
        return cls.from_counts(counts)


def total_of(row: Row) -> int:
    """All todos in a row of counts."""
    pending, in_progress = row["pending_count"], row["in_progress_count"]
    return int(pending + in_progress + row["completed_count"] + row["cancelled_count"])


def _completion_rate(row: Row) -> float:
    total = total_of(row)
    # One division of whole numbers gives the nearest float there is; a second step would round again.
    return 100 * int(row["completed_count"]) / total if total else 0.0


STATS = RowType(
    TodoStats,
    total=total_of,
    pending="pending_count",
    in_progress="in_progress_count",
    completed="completed_count",
    cancelled="cancelled_count",
    completion_rate=_completion_rate,
    key="id",
)
