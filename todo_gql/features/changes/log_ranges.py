"""Where some consecutive changes of a feed stand in the logs that they are of, todo by todo."""

from collections.abc import Callable, Sequence

from todo_gql.changelog.spans import has_source, is_foreign
from todo_gql.database.connection import Row
from todo_gql.features.todos.redaction import LIST_FIELD, may_move, redacted
from todo_gql.security.authentication import Viewer

RANGE_OF_TODO = (
    "(SELECT {}(n.seq) FROM unnest({}::uuid[], {}::uuid[], {}::bigint[]) AS n (todo_id, owner_id, seq)"
    " WHERE n.todo_id = t.id AND n.owner_id = t.owner_id)"
)


def is_in_log(row: Row, todo: Row) -> bool:
    """Whether a change is in the log of the owner of its todo, which may have had another owner then."""
    return not has_source([row]) or row["source_owner_id"] == todo["owner_id"]


def log_range(rows: Sequence[Row], bind: Callable[[object], str]) -> tuple[str, str]:
    """SQL for the numbers, in the log of the owner of a todo `t`, of the first and last of some changes.

    In a feed with spans each todo's changes have numbers of their own.
    """
    if not has_source(rows):
        last = bind(rows[-1]["seq"])
        return bind(rows[0]["seq"]), last
    values = ("todo_id", "source_owner_id", "source_seq")
    columns = [bind([row[name] for row in rows]) for name in values]
    first, last = (RANGE_OF_TODO.format(side, *columns) for side in ("min", "max"))
    return first, last


async def entering_changes(viewer: Viewer, rows: Sequence[Row]) -> set[int]:
    """The numbers of those changes that brought others' todos from lists that the viewer doesn't see."""
    if not has_source(rows):
        return set()
    moved = [row for row in rows if is_foreign(row) and may_move(row["diff"])]
    shown = await redacted(viewer, moved, has_spans=True)
    return {row["seq"] for row in shown if not _is_from_seen(row["diff"])}


def _is_from_seen(fields: Sequence[dict[str, object]]) -> bool:
    return any(field["name"] == LIST_FIELD and field["before"] for field in fields)
