"""Whether everything that is counted of an owner is what there is."""

from typing import Any
from uuid import UUID

from todo_gql.changelog.sizes import ROW_BYTES
from todo_gql.database.connection import fetch
from todo_gql.features.todos.storage import COMMENT_BYTES, TODO_BYTES

# What is stored, and what there is, of each thing that is counted; rows of which nothing is counted are
# as good as none. The owner is $1.
COUNTED: dict[str, tuple[str, str]] = {
    "the counts of the owner": (
        (
            "SELECT f.seq, f.pending_count, f.in_progress_count, f.completed_count, f.cancelled_count,"
            " f.low_count, f.medium_count, f.high_count, f.urgent_count, f.trash_count, f.stored_bytes"
            " FROM feeds f WHERE f.owner_id = $1"
        ),
        (
            "SELECT greatest((SELECT coalesce(max(c.seq), 0) FROM changes c WHERE c.owner_id = $1),"
            " (SELECT max(s.seq_to) FROM spans s WHERE s.owner_id = $1)),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.status = 0),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.status = 1),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.status = 2),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.status = 3),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.priority = 0),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.priority = 1),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.priority = 2),"
            " count(*) FILTER (WHERE t.deleted_at IS NULL AND t.priority = 3),"
            " count(*) FILTER (WHERE t.deleted_at IS NOT NULL),"
            f" coalesce(sum({TODO_BYTES}), 0)::bigint + (SELECT coalesce(sum({ROW_BYTES}"
            " + octet_length(diff::text)), 0)::bigint FROM changes WHERE owner_id = $1)"
            f" + (SELECT coalesce(sum({COMMENT_BYTES}), 0)::bigint FROM comments WHERE owner_id = $1)"
            " FROM todos t WHERE t.owner_id = $1"
        ),
    ),
    "the copies of the counts": (
        (
            "SELECT u.change_seq, u.counted_seq, u.pending_count, u.in_progress_count,"
            " u.completed_count, u.cancelled_count, u.trash_count, u.stored_bytes"
            " FROM users u WHERE u.id = $1"
        ),
        # The numbers that changes of others take aren't copied.
        (
            "SELECT u.change_seq + CASE WHEN f.has_spans THEN 0 ELSE f.seq - u.change_seq END,"
            " u.counted_seq + CASE WHEN f.has_spans THEN 0 ELSE f.counted_seq - u.counted_seq END,"
            " f.pending_count, f.in_progress_count, f.completed_count,"
            " f.cancelled_count, f.trash_count, f.stored_bytes"
            " FROM feeds f JOIN users u ON u.id = f.owner_id WHERE f.owner_id = $1"
        ),
    ),
    "the numbers of the changes": (
        "SELECT f.seq FROM feeds f WHERE f.owner_id = $1",
        (
            "SELECT (SELECT count(DISTINCT c.seq) FROM changes c WHERE c.owner_id = $1)"
            " + (SELECT coalesce(sum(s.seq_to - s.seq_from + 1), 0)::bigint FROM spans s WHERE s.owner_id = $1)"
        ),
    ),
    "the tags": (
        "SELECT g.id, g.todo_count FROM tags g WHERE g.owner_id = $1 AND g.todo_count <> 0",
        (
            "SELECT tt.tag_id, count(*)::int FROM todo_tags tt JOIN todos t ON t.id = tt.todo_id"
            " WHERE tt.owner_id = $1 AND t.deleted_at IS NULL GROUP BY tt.tag_id"
        ),
    ),
    "the tags without a todo": (
        (
            "SELECT count(*) FROM tags g WHERE g.owner_id = $1"
            " AND NOT EXISTS (SELECT FROM todo_tags tt WHERE tt.tag_id = g.id)"
        ),
        "SELECT 0::bigint WHERE $1::uuid IS NOT NULL",
    ),
    "the lists": (
        (
            "SELECT l.id, l.pending_count, l.in_progress_count, l.completed_count, l.cancelled_count"
            " FROM lists l WHERE l.owner_id = $1"
        ),
        (
            "SELECT l.id, count(t.id) FILTER (WHERE t.status = 0)::int,"
            " count(t.id) FILTER (WHERE t.status = 1)::int, count(t.id) FILTER (WHERE t.status = 2)::int,"
            " count(t.id) FILTER (WHERE t.status = 3)::int FROM lists l"
            " LEFT JOIN todos t ON t.list_id = l.id AND t.deleted_at IS NULL"
            " WHERE l.owner_id = $1 GROUP BY l.id"
        ),
    ),
    "the tags of lists": (
        (
            "SELECT lt.list_id, lt.tag_id, lt.todo_count FROM list_tags lt"
            " WHERE lt.owner_id = $1 AND lt.todo_count <> 0"
        ),
        (
            "SELECT t.list_id, tt.tag_id, count(*)::int FROM todos t JOIN todo_tags tt ON tt.todo_id = t.id"
            " WHERE t.owner_id = $1 AND t.deleted_at IS NULL AND t.list_id IS NOT NULL"
            " GROUP BY t.list_id, tt.tag_id"
        ),
    ),
    "the days": (
        (
            "SELECT d.day, d.is_timed, d.open_count, d.closed_count FROM due_counts d"
            " WHERE d.owner_id = $1 AND (d.open_count, d.closed_count) <> (0, 0)"
        ),
        (
            "SELECT (t.due_at AT TIME ZONE 'UTC')::date, true, count(*) FILTER (WHERE t.status < 2)::int,"
            " count(*) FILTER (WHERE t.status >= 2)::int FROM todos t"
            " WHERE t.owner_id = $1 AND t.deleted_at IS NULL AND t.due_at IS NOT NULL GROUP BY 1"
            " UNION ALL SELECT t.due_date, false, count(*) FILTER (WHERE t.status < 2)::int,"
            " count(*) FILTER (WHERE t.status >= 2)::int FROM todos t"
            " WHERE t.owner_id = $1 AND t.deleted_at IS NULL AND t.due_date IS NOT NULL GROUP BY 1"
        ),
    ),
    "the subtasks": (
        "SELECT p.id, p.subtask_count, p.completed_subtask_count FROM todos p WHERE p.owner_id = $1",
        (
            "SELECT p.id, count(t.id) FILTER (WHERE t.status <> 3)::int,"
            " count(t.id) FILTER (WHERE t.status = 2)::int FROM todos p"
            " LEFT JOIN todos t ON t.parent_id = p.id AND t.deleted_at IS NULL"
            " WHERE p.owner_id = $1 GROUP BY p.id"
        ),
    ),
    "the positions": (
        "SELECT count(*) FROM todos t WHERE t.owner_id = $1",
        "SELECT count(DISTINCT (t.list_id, t.position)) FROM todos t WHERE t.owner_id = $1",
    ),
}


async def wrong_counts(owner_id: UUID) -> dict[str, Any]:
    """What is counted otherwise than it is: for each thing the rows that are stored, and those there are.

    The log has to be complete: without retention, and with every todo that was written by the program.
    """
    wrong: dict[str, Any] = {}
    for what, statements in COUNTED.items():
        stored, there = [
            sorted((tuple(row) for row in await fetch(statement, owner_id)), key=repr)
            for statement in statements
        ]
        if stored != there:
            wrong[what] = {
                "stored": [row for row in stored if row not in there],
                "there": [row for row in there if row not in stored],
            }
    return wrong
