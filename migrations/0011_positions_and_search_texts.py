"""Positions, days and feeds of the rows that were there before, and the indexes of the new columns.

It isn't one transaction: each operation commits by itself, beside servers of the release before.
"""

from datetime import UTC, datetime
from uuid import UUID

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

from todo_gql.api.search_text import search_text
from todo_gql.database.backfills import Progress, backfill, execute_for_owner
from todo_gql.database.connection import Connection
from todo_gql.database.migration_operations import (
    CreateIndexConcurrently,
    SetNotNull,
    VacuumAnalyze,
)
from todo_gql.database.migration_session import connection_of
from todo_gql.database.owner_batches import LOWEST_ID

EARLIEST = datetime.min.replace(tzinfo=UTC)

# The rows of users are locked, so that nobody writes to these accounts meanwhile; afterwards the trigger
# of users updates feeds. The worker counts what users don't say.
INSERT_FEEDS = """
INSERT INTO feeds (owner_id, seq, counted_seq, pending_count, in_progress_count, completed_count,
    cancelled_count, trash_count, stored_bytes)
SELECT id, change_seq, -1, pending_count, in_progress_count, completed_count, cancelled_count,
    trash_count, stored_bytes FROM ({}) u
ON CONFLICT DO NOTHING
"""
# Accounts that are being written to are left to the other statement, which waits for each.
INSERT_FREE_FEEDS = INSERT_FEEDS.format(
    "SELECT * FROM users x WHERE NOT EXISTS (SELECT FROM feeds WHERE owner_id = x.id)"
    " LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED"
)
INSERT_FEED = INSERT_FEEDS.format("SELECT * FROM users WHERE id = $1")
HAS_NO_FEED = "NOT EXISTS (SELECT FROM feeds WHERE owner_id = u.id)"

# OFFSET keeps the planner from reading the todos of all owners for this.
HAS_UNPLACED = "EXISTS (SELECT FROM todos WHERE owner_id = u.id AND position IS NULL OFFSET 0)"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What the release before creates meanwhile has longer keys, which sort behind these.
HIGHEST_KEY = "SELECT max(position) FROM todos WHERE owner_id = $1 AND length(position) = 7"
# Each half reads an index in order.
UNPLACED = """
(SELECT id, created_at, version, title, description FROM todos
    WHERE owner_id = $1 AND deleted_at IS NULL AND position IS NULL AND (created_at, id) > ($2, $3)
    ORDER BY created_at, id LIMIT $4)
UNION ALL
(SELECT id, created_at, version, title, description FROM todos
    WHERE owner_id = $1 AND deleted_at IS NOT NULL AND position IS NULL AND (created_at, id) > ($2, $3)
    ORDER BY created_at, id LIMIT $4)
ORDER BY created_at, id LIMIT $4
"""
# A todo that was changed after it was read gets no search text here, but later by the worker.
FILL_TODOS = """
UPDATE todos t SET position = position_key($2 + n.number), due_on = coalesce(
        t.due_date, (t.due_at AT TIME ZONE coalesce(t.due_time_zone, 'UTC'))::date),
    search_text = CASE WHEN t.version = n.version THEN n.search_text END
FROM unnest($3::uuid[], $4::int[], $5::text[]) WITH ORDINALITY AS n (id, version, search_text, number)
WHERE t.owner_id = $1 AND t.id = n.id AND t.position IS NULL
"""


async def insert_feeds(_apps: object, editor: BaseSchemaEditor) -> None:
    """Give each account its row in feeds, before its todos get positions, which follow from it."""
    connection = await connection_of(editor)
    while await connection.execute(INSERT_FREE_FEEDS) != "INSERT 0 0":
        pass
    await backfill(connection, "feeds", HAS_NO_FEED, insert_feed)


async def insert_feed(connection: Connection, owner_id: UUID, progress: Progress) -> None:
    """Insert an owner's row, once nobody else has the owner's lock."""
    await execute_for_owner(connection, owner_id, progress, INSERT_FEED)


async def fill_todos(_apps: object, editor: BaseSchemaEditor) -> None:
    """Give each todo its position, day and search text, in the one update of its row."""
    await backfill(await connection_of(editor), "todos", HAS_UNPLACED, fill_todos_of)


async def fill_todos_of(connection: Connection, owner_id: UUID, progress: Progress) -> None:
    """Number an owner's todos by when they were created, behind those that have a number already.

    They are read without the owner's lock: none without a position is added meanwhile, and no number
    is used twice if some are purged.
    """
    number = _number_of(await connection.fetchval(HIGHEST_KEY, owner_id))
    created_at, id = EARLIEST, LOWEST_ID
    while rows := await connection.fetch(UNPLACED, owner_id, created_at, id, progress.batch_rows):
        ids, versions = [row["id"] for row in rows], [row["version"] for row in rows]
        texts = [search_text(row["title"], row["description"]) for row in rows]
        await execute_for_owner(
            connection, owner_id, progress, FILL_TODOS, number, ids, versions, texts
        )
        number += len(rows)
        created_at, id = rows[-1]["created_at"], rows[-1]["id"]


def _number_of(key: str | None) -> int:
    """The number of a key of `position_key`; 0 without one."""
    number = 0
    for digit in key[1:] if key else "":
        number = number * len(DIGITS) + DIGITS.index(digit)
    return number


class Migration(migrations.Migration):
    dependencies = [("models", "0010_lists_and_feeds")]

    initial = False
    atomic = False

    operations = [
        ops.RunPython(insert_feeds),
        ops.RunPython(fill_todos),
        VacuumAnalyze("todos"),
        # The inbox is the absence of a list.
        CreateIndexConcurrently(
            "CREATE UNIQUE INDEX todos_by_position ON todos"
            " (owner_id, (coalesce(list_id, '00000000-0000-0000-0000-000000000000'::uuid)), position)"
        ),
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_parent ON todos (owner_id, parent_id, position)"
            " WHERE parent_id IS NOT NULL"
        ),
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_section ON todos (owner_id, section_id)"
            " WHERE section_id IS NOT NULL"
        ),
        CreateIndexConcurrently(
            "CREATE INDEX todos_by_due_on ON todos (owner_id, due_on, id)"
            " WHERE deleted_at IS NULL AND due_on IS NOT NULL"
        ),
        CreateIndexConcurrently(
            "CREATE INDEX todos_without_search_text ON todos (owner_id) WHERE search_text IS NULL"
        ),
        CreateIndexConcurrently(
            "CREATE INDEX changes_by_list ON changes (owner_id, list_id, seq)"
            " WHERE list_id IS NOT NULL"
        ),
        SetNotNull("Todo", "position", fields.TextField(unique=False)),
    ]
