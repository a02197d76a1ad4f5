"""Recounts accounts whose counts are out of date.

Those are accounts older than the counts, and accounts that the previous release has written to.
"""

import logging
from typing import Final
from uuid import UUID

from todo_gql.changelog.mirror import mirrored
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.connection import Connection
from todo_gql.database.models import Priority, Status
from todo_gql.database.owner_batches import owner_transaction, owners_where
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.storage import TODO_BYTES

logger = logging.getLogger(__name__)

# Counting a large account takes longer than a request may.
NO_LIMITS = "SET LOCAL statement_timeout = 0"
IS_UNCOUNTED = """
$3::int = 0 AND EXISTS (SELECT FROM feeds f WHERE f.owner_id = u.id AND f.counted_seq <> f.seq)
"""
OPEN = ", ".join(str(status.value) for status in OPEN_STATUSES)


def _numbers(column: str, values: type[Status] | type[Priority]) -> dict[str, str]:
    """How many todos `t` outside the trash have each value, by the column for that."""
    return {
        f"{value.name.lower()}_count": f"count(*) FILTER (WHERE t.deleted_at IS NULL AND t.{column} = {value.value})"
        for value in values
    }


STATUS_NUMBERS: Final = _numbers("status", Status)
FEED_NUMBERS: Final = (
    STATUS_NUMBERS
    | _numbers("priority", Priority)
    | {"trash_count": "count(*) FILTER (WHERE t.deleted_at IS NOT NULL)"}
)
RECOUNT_FEED = mirrored(f"""
UPDATE feeds f SET counted_seq = f.seq,
    stored_bytes = n.bytes
        + (SELECT coalesce(sum({CHANGE_BYTES}), 0)::bigint FROM changes WHERE owner_id = $1),
    {", ".join(f"{name} = n.{name}" for name in FEED_NUMBERS)}
FROM (
    SELECT coalesce(sum({TODO_BYTES}), 0)::bigint AS bytes,
        {", ".join(f"{number} AS {name}" for name, number in FEED_NUMBERS.items())}
    FROM todos t WHERE t.owner_id = $1
) n WHERE f.owner_id = $1
""")
RECOUNT_LISTS = f"""
UPDATE lists l SET {", ".join(f"{name} = coalesce(n.{name}, 0)" for name in STATUS_NUMBERS)}
FROM lists o LEFT JOIN (
    SELECT t.list_id, {", ".join(f"{number} AS {name}" for name, number in STATUS_NUMBERS.items())}
    FROM todos t WHERE t.owner_id = $1 AND t.list_id IS NOT NULL GROUP BY t.list_id
) n ON n.list_id = o.id
WHERE o.owner_id = $1 AND l.owner_id = $1 AND l.id = o.id AND ({
    ", ".join(f"l.{name}" for name in STATUS_NUMBERS)
}) IS DISTINCT FROM ({", ".join(f"coalesce(n.{name}, 0)" for name in STATUS_NUMBERS)})
"""
RECOUNT_SUBTASKS = f"""
UPDATE todos p SET subtask_count = coalesce(n.number, 0),
    completed_subtask_count = coalesce(n.completed, 0)
FROM todos o LEFT JOIN (
    SELECT t.parent_id, count(*) AS number,
        count(*) FILTER (WHERE t.status = {Status.COMPLETED.value}) AS completed
    FROM todos t WHERE t.owner_id = $1 AND t.parent_id IS NOT NULL AND t.deleted_at IS NULL
        AND t.status <> {Status.CANCELLED.value} GROUP BY t.parent_id
) n ON n.parent_id = o.id
WHERE o.owner_id = $1 AND p.owner_id = $1 AND p.id = o.id
    AND (p.subtask_count, p.completed_subtask_count)
        IS DISTINCT FROM (coalesce(n.number, 0), coalesce(n.completed, 0))
"""
RECOUNT_TAGS = """
UPDATE tags g SET todo_count = coalesce(n.number, 0)
FROM tags o LEFT JOIN (
    SELECT tt.tag_id, count(*) AS number
    FROM todo_tags tt JOIN todos t ON t.owner_id = tt.owner_id AND t.id = tt.todo_id
    WHERE tt.owner_id = $1 AND t.deleted_at IS NULL GROUP BY tt.tag_id
) n ON n.tag_id = o.id
WHERE o.owner_id = $1 AND g.owner_id = $1 AND g.id = o.id
    AND g.todo_count IS DISTINCT FROM coalesce(n.number, 0)
"""
DELETE_LIST_TAGS = "DELETE FROM list_tags WHERE owner_id = $1"
INSERT_LIST_TAGS = """
INSERT INTO list_tags (owner_id, list_id, tag_id, todo_count)
SELECT $1, t.list_id, tt.tag_id, count(*)
FROM todo_tags tt JOIN todos t ON t.owner_id = tt.owner_id AND t.id = tt.todo_id
WHERE tt.owner_id = $1 AND t.deleted_at IS NULL AND t.list_id IS NOT NULL GROUP BY t.list_id, tt.tag_id
"""
DELETE_DUE_COUNTS = "DELETE FROM due_counts WHERE owner_id = $1"
# A moment counts for its day in UTC.
INSERT_DUE_COUNTS = f"""
INSERT INTO due_counts (owner_id, day, is_timed, open_count, closed_count)
SELECT $1, day, is_timed, count(*) FILTER (WHERE status IN ({OPEN})),
    count(*) FILTER (WHERE status NOT IN ({OPEN}))
FROM (
    SELECT coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date) AS day, due_at IS NOT NULL AS is_timed,
        status
    FROM todos WHERE owner_id = $1 AND deleted_at IS NULL
) t WHERE day IS NOT NULL GROUP BY day, is_timed
"""
RECOUNT: Final = (
    RECOUNT_SUBTASKS,
    RECOUNT_LISTS,
    RECOUNT_TAGS,
    DELETE_LIST_TAGS,
    INSERT_LIST_TAGS,
    DELETE_DUE_COUNTS,
    INSERT_DUE_COUNTS,
    RECOUNT_FEED,
)
"""The statements that count everything of the owner `$1` anew."""


async def recount_accounts() -> int:
    """Recount the accounts with outdated counts; returns their number.

    An account that can't be counted is logged; the others are still counted.
    """
    counted = 0
    async for owner_id in owners_where(IS_UNCOUNTED, 0):
        try:
            async with owner_transaction(owner_id) as connection:
                await recount(connection, owner_id)
            counted += 1
        except Exception:
            logger.exception("an account can't be counted", extra={"owner_id": str(owner_id)})
    return counted


async def recount(connection: Connection, owner_id: UUID) -> None:
    """Count everything of an owner anew, in a transaction that holds the owner's lock."""
    await connection.execute(NO_LIMITS)
    for statement in RECOUNT:
        await connection.execute(statement, owner_id)
