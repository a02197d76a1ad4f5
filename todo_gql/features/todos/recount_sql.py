"""The statements that find wrong counts of an owner, and those that correct them.

In all of them `$1` is the owner. Most counts are corrected by differences, which stay right beside the
writes of this release, since those add differences, too.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from todo_gql.changelog.mirror import mirrored
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.models import Priority, Status
from todo_gql.features.stats.overdue import OPEN
from todo_gql.features.todos.storage import COMMENT_BYTES, TODO_BYTES


class Correction(NamedTuple):
    """How the counts in the rows of one table are corrected.

    `find` selects what is wrong. `apply` corrects a batch of that, the JSON array `$2`.
    """

    find: str
    apply: str
    batch_size: int = 1_000


def _numbers(column: str, values: type[Status] | type[Priority]) -> dict[str, str]:
    """How many todos `t` outside the trash have each value, by the column for that."""
    return {
        f"{value.name.lower()}_count": f"count(*) FILTER (WHERE t.deleted_at IS NULL AND t.{column} = {value.value})"
        for value in values
    }


def _selected(numbers: dict[str, str]) -> str:
    return ", ".join(f"{number} AS {name}" for name, number in numbers.items())


def _differences(names: Iterable[str]) -> str:
    """By how much the counts `n` differ from the stored ones `o`, either of which may be missing."""
    return ", ".join(f"coalesce(n.{name}, 0) - coalesce(o.{name}, 0) AS {name}" for name in names)


def _differ(names: Iterable[str]) -> str:
    return " OR ".join(f"coalesce(n.{name}, 0) <> coalesce(o.{name}, 0)" for name in names)


def _added(names: Iterable[str], table: str = "c") -> str:
    return ", ".join(f"{name} = {table}.{name} + d.{name}" for name in names)


def _recordset(keys: str, names: Iterable[str]) -> str:
    counts = ", ".join(f"{name} int" for name in names)
    return f"jsonb_to_recordset($2::jsonb) AS d ({keys}, {counts})"


STATUS_NUMBERS: Final = _numbers("status", Status)
FEED_NUMBERS: Final = (
    STATUS_NUMBERS
    | _numbers("priority", Priority)
    | {"trash_count": "count(*) FILTER (WHERE t.deleted_at IS NOT NULL)"}
)
_FEED_NAMES: Final = (*FEED_NUMBERS, "stored_bytes")

UNCOUNTED: Final = "SELECT seq - counted_seq FROM feeds WHERE owner_id = $1"
"""A number that every write of the previous release raises, and no other write."""

FIND_IN_FEED: Final = f"""
SELECT {_differences(_FEED_NAMES)}
FROM feeds o, (
    SELECT {_selected(FEED_NUMBERS)}, coalesce(sum({TODO_BYTES}), 0)::bigint
        + (SELECT coalesce(sum({CHANGE_BYTES}), 0)::bigint FROM changes WHERE owner_id = $1)
        + (SELECT coalesce(sum({COMMENT_BYTES}), 0)::bigint FROM comments WHERE owner_id = $1)
        AS stored_bytes
    FROM todos t WHERE t.owner_id = $1
) n WHERE o.owner_id = $1
"""
APPLY_TO_FEED: Final = mirrored(f"""
UPDATE feeds f SET counted_seq = f.seq, {_added(_FEED_NAMES, "f")}
FROM jsonb_to_record($2::jsonb) AS d ({", ".join(f"{name} bigint" for name in _FEED_NAMES)})
WHERE f.owner_id = $1
""")

_SUBTASKS_OF = f"""
SELECT t.parent_id, count(*) AS subtask_count,
    count(*) FILTER (WHERE t.status = {Status.COMPLETED.value}) AS completed_subtask_count
FROM todos t WHERE t.owner_id = $1 AND t.parent_id {{}} AND t.deleted_at IS NULL
    AND t.status <> {Status.CANCELLED.value} GROUP BY t.parent_id
"""
_SUBTASK_NAMES: Final = ("subtask_count", "completed_subtask_count")
# Some writes store these numbers as they are, and not by how much they change: so they are counted again.
SUBTASKS: Final = Correction(
    f"""
    SELECT o.id FROM todos o LEFT JOIN ({_SUBTASKS_OF.format("IS NOT NULL")}) n ON n.parent_id = o.id
    WHERE o.owner_id = $1 AND ({_differ(_SUBTASK_NAMES)})
    """,
    f"""
    WITH d AS MATERIALIZED (
        SELECT id FROM jsonb_to_recordset($2::jsonb) AS d (id uuid)
    ), n AS MATERIALIZED ({_SUBTASKS_OF.format("= ANY(ARRAY(SELECT id FROM d))")})
    UPDATE todos c SET {", ".join(f"{name} = coalesce(n.{name}, 0)" for name in _SUBTASK_NAMES)}
    FROM d LEFT JOIN n ON n.parent_id = d.id WHERE c.owner_id = $1 AND c.id = d.id
    """,
    # A parent has 500 subtasks at most.
    batch_size=100,
)
LISTS: Final = Correction(
    f"""
    SELECT o.id, {_differences(STATUS_NUMBERS)} FROM lists o LEFT JOIN (
        SELECT t.list_id, {_selected(STATUS_NUMBERS)}
        FROM todos t WHERE t.owner_id = $1 AND t.list_id IS NOT NULL GROUP BY t.list_id
    ) n ON n.list_id = o.id WHERE o.owner_id = $1 AND ({_differ(STATUS_NUMBERS)})
    """,
    f"""
    UPDATE lists c SET {_added(STATUS_NUMBERS)} FROM {_recordset("id uuid", STATUS_NUMBERS)}
    WHERE c.owner_id = $1 AND c.id = d.id
    """,
)
_TAG_NAMES: Final = ("todo_count",)
TAGS: Final = Correction(
    f"""
    SELECT o.id, {_differences(_TAG_NAMES)} FROM tags o LEFT JOIN (
        SELECT tt.tag_id, count(*) AS todo_count
        FROM todo_tags tt JOIN todos t ON t.owner_id = tt.owner_id AND t.id = tt.todo_id
        WHERE tt.owner_id = $1 AND t.deleted_at IS NULL GROUP BY tt.tag_id
    ) n ON n.tag_id = o.id WHERE o.owner_id = $1 AND ({_differ(_TAG_NAMES)})
    """,
    f"""
    UPDATE tags c SET {_added(_TAG_NAMES)} FROM {_recordset("id uuid", _TAG_NAMES)}
    WHERE c.owner_id = $1 AND c.id = d.id
    """,
)
# The list or the tag may have been deleted since the counts were read.
LIST_TAGS: Final = Correction(
    f"""
    SELECT list_id, tag_id, {_differences(_TAG_NAMES)}
    FROM (SELECT list_id, tag_id, todo_count FROM list_tags WHERE owner_id = $1) o FULL JOIN (
        SELECT t.list_id, tt.tag_id, count(*) AS todo_count
        FROM todo_tags tt JOIN todos t ON t.owner_id = tt.owner_id AND t.id = tt.todo_id
        WHERE tt.owner_id = $1 AND t.deleted_at IS NULL AND t.list_id IS NOT NULL
        GROUP BY t.list_id, tt.tag_id
    ) n USING (list_id, tag_id) WHERE {_differ(_TAG_NAMES)}
    """,
    f"""
    INSERT INTO list_tags AS c (owner_id, list_id, tag_id, todo_count)
    SELECT $1, d.list_id, d.tag_id, d.todo_count FROM {_recordset("list_id uuid, tag_id uuid", _TAG_NAMES)}
    WHERE EXISTS (SELECT FROM lists l WHERE l.owner_id = $1 AND l.id = d.list_id)
        AND EXISTS (SELECT FROM tags g WHERE g.owner_id = $1 AND g.id = d.tag_id)
    ON CONFLICT (owner_id, list_id, tag_id) DO UPDATE SET todo_count = c.todo_count + excluded.todo_count
    """,
)
_DUE_NAMES: Final = ("open_count", "closed_count")
# A moment counts for its day in UTC.
DUE_COUNTS: Final = Correction(
    f"""
    SELECT day, is_timed, {_differences(_DUE_NAMES)}
    FROM (SELECT day, is_timed, open_count, closed_count FROM due_counts WHERE owner_id = $1) o
    FULL JOIN (
        SELECT day, is_timed, count(*) FILTER (WHERE status IN ({OPEN})) AS open_count,
            count(*) FILTER (WHERE status NOT IN ({OPEN})) AS closed_count
        FROM (
            SELECT coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date) AS day,
                due_at IS NOT NULL AS is_timed, status
            FROM todos WHERE owner_id = $1 AND deleted_at IS NULL
        ) t WHERE day IS NOT NULL GROUP BY day, is_timed
    ) n USING (day, is_timed) WHERE {_differ(_DUE_NAMES)}
    """,
    f"""
    INSERT INTO due_counts AS c (owner_id, day, is_timed, open_count, closed_count)
    SELECT $1, d.day, d.is_timed, d.open_count, d.closed_count
    FROM {_recordset("day date, is_timed boolean", _DUE_NAMES)}
    ON CONFLICT (owner_id, day, is_timed) DO UPDATE SET open_count = c.open_count + excluded.open_count,
        closed_count = c.closed_count + excluded.closed_count
    """,
)
CORRECTIONS: Final = (SUBTASKS, LISTS, TAGS, LIST_TAGS, DUE_COUNTS)
"""All but that of the owner's row in feeds."""
