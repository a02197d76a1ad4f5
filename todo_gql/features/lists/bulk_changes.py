"""Changes of all todos of a list or of a section, in statements that don't load them.

A list may have any number of completed todos, so that they are changed in batches, in one transaction,
by statements that write the log, the counts and the storage, too.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from todo_gql.api.scalars import serialize_time
from todo_gql.changelog.mirror import MIRRORED
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.connection import affected_rows
from todo_gql.database.models import Action, Priority, Status
from todo_gql.features.stats.overdue import OPEN
from todo_gql.features.todos.list_access import LIST_OR_INBOX, list_or_inbox
from todo_gql.features.todos.writes import OwnerWrite

BATCH_SIZE: Final = 5_000

# Of every statement here `$1` is the owner, `$2` the list, `$3` the time, `$4` the action, `$5` the actor,
# `$6` the diff, `$7` the number of the mutation's first change, and `$8` the size of a batch.
LOGGED = f"""
, numbered AS (
    SELECT id, row_number() OVER (ORDER BY position) AS number, $6::jsonb AS diff FROM changed
), added AS (SELECT count(*) AS lines, coalesce(sum({CHANGE_BYTES}), 0)::bigint AS bytes FROM numbered)
"""
INSERT_LOG = """
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at, list_id, first_seq)
SELECT gen_random_uuid(), $1, f.seq - added.lines + n.number, n.id, $5, $4, n.diff, $3, $2, $7
FROM counted f, added, numbered n
"""


def _counted(name: str, condition: str) -> str:
    return f"{name} = {name} + $9::int * (SELECT count(*) FROM changed WHERE {condition})"


OF_STATUSES = {f"{one.name.lower()}_count": f"status = {one.value}" for one in Status}
OF_PRIORITIES = {f"{one.name.lower()}_count": f"priority = {one.value}" for one in Priority}
# `$9` is 1 for restoring and -1 for the trash, `$10` what `deleted_at` is before and `$11` after it.
# Parents first: a todo waits until its parent isn't any more what it is itself.
MOVE_ACROSS_TRASH = f"""
WITH changed AS (
    UPDATE todos t SET deleted_at = $11, version = t.version + 1, updated_at = $3,
        subtask_count = 0, completed_subtask_count = 0
    WHERE t.owner_id = $1 AND t.id = ANY(ARRAY(
        SELECT c.id FROM todos c LEFT JOIN todos p ON p.owner_id = c.owner_id AND p.id = c.parent_id
        WHERE c.owner_id = $1 AND {list_or_inbox("c.list_id")} = $2
            AND c.deleted_at IS NOT DISTINCT FROM $10::timestamptz
            AND (p.id IS NULL OR p.deleted_at IS DISTINCT FROM $10::timestamptz)
        LIMIT $8
    )) RETURNING t.id, t.position, t.status, t.priority, t.due_at, t.due_date
), tagged AS (
    SELECT tt.tag_id, count(*) AS number FROM changed c
    JOIN todo_tags tt ON tt.owner_id = $1 AND tt.todo_id = c.id GROUP BY tt.tag_id
), tags_counted AS (
    UPDATE tags g SET todo_count = g.todo_count + $9::int * d.number
    FROM tagged d WHERE g.owner_id = $1 AND g.id = d.tag_id
), list_tags_counted AS (
    INSERT INTO list_tags (owner_id, list_id, tag_id, todo_count)
    SELECT $1, $2, tag_id, $9::int * number FROM tagged
    ON CONFLICT (owner_id, list_id, tag_id) DO UPDATE
    SET todo_count = list_tags.todo_count + excluded.todo_count
), due AS (
    SELECT coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date) AS day, due_at IS NOT NULL AS is_timed,
        count(*) FILTER (WHERE status IN ({OPEN})) AS open,
        count(*) FILTER (WHERE status NOT IN ({OPEN})) AS closed
    FROM changed WHERE due_date IS NOT NULL OR due_at IS NOT NULL GROUP BY 1, 2
), due_counted AS (
    INSERT INTO due_counts (owner_id, day, is_timed, open_count, closed_count)
    SELECT $1, day, is_timed, $9::int * open, $9::int * closed FROM due
    ON CONFLICT (owner_id, day, is_timed) DO UPDATE
    SET open_count = due_counts.open_count + excluded.open_count,
        closed_count = due_counts.closed_count + excluded.closed_count
), list_counted AS (
    UPDATE lists l SET {", ".join(_counted(*one) for one in OF_STATUSES.items())}
    WHERE l.owner_id = $1 AND l.id = $2
){LOGGED}, counted AS (
    UPDATE feeds f SET seq = seq + lines, counted_seq = counted_seq + lines,
        stored_bytes = stored_bytes + bytes, trash_count = trash_count - $9::int * lines,
        {", ".join(_counted(*one) for one in (OF_STATUSES | OF_PRIORITIES).items())}
    FROM added WHERE f.owner_id = $1 RETURNING f.*
), {MIRRORED}
{INSERT_LOG}
"""
COUNT_SUBTASKS = f"""
UPDATE todos p SET subtask_count = c.number, completed_subtask_count = c.completed FROM (
    SELECT t.parent_id, count(*) AS number,
        count(*) FILTER (WHERE t.status = {Status.COMPLETED.value}) AS completed
    FROM todos t WHERE t.owner_id = $1 AND {LIST_OR_INBOX} = $2
        AND t.deleted_at IS NULL AND t.parent_id IS NOT NULL
        AND t.status <> {Status.CANCELLED.value}
    GROUP BY t.parent_id
) c WHERE p.owner_id = $1 AND p.id = c.parent_id
    AND (p.subtask_count, p.completed_subtask_count) IS DISTINCT FROM (c.number, c.completed)
"""
# `$9` is the section. Those in the trash leave it, too.
LEAVE_SECTION = f"""
WITH changed AS (
    UPDATE todos t SET section_id = NULL, version = t.version + 1, updated_at = $3
    WHERE t.owner_id = $1 AND t.id = ANY(ARRAY(
        SELECT c.id FROM todos c WHERE c.owner_id = $1 AND c.section_id = $9
        ORDER BY c.position LIMIT $8
    )) RETURNING t.id, t.position
){LOGGED}, counted AS (
    UPDATE feeds f SET seq = seq + lines, counted_seq = counted_seq + lines,
        stored_bytes = stored_bytes + bytes
    FROM added WHERE f.owner_id = $1 RETURNING f.*
), {MIRRORED}
{INSERT_LOG}
"""


class FieldOfAll(NamedTuple):
    """What changes of every todo: a field by its name in the API, and its values as they are logged."""

    name: str
    before: object
    after: object


async def move_to_trash(write: OwnerWrite, list_id: UUID) -> int:
    """Move all todos of a list to the trash at the time of the write; returns their number."""
    field = FieldOfAll("deletedAt", None, serialize_time(write.now))
    across = (-1, None, write.now)
    return await _change_all(write, list_id, MOVE_ACROSS_TRASH, Action.DELETED, field, *across)


async def restore_from_trash(write: OwnerWrite, list_id: UUID, deleted_at: datetime) -> int:
    """Restore those todos of a list that have been in the trash since then; returns their number."""
    field = FieldOfAll("deletedAt", serialize_time(deleted_at), None)
    across = (1, deleted_at, None)
    number = await _change_all(write, list_id, MOVE_ACROSS_TRASH, Action.RESTORED, field, *across)
    await write.connection.execute(COUNT_SUBTASKS, write.owner_id, list_id)
    return number


async def leave_section(write: OwnerWrite, list_id: UUID, section_id: UUID) -> int:
    """Move all todos of a section to none; returns their number."""
    field = FieldOfAll("sectionId", str(section_id), None)
    return await _change_all(write, list_id, LEAVE_SECTION, Action.UPDATED, field, section_id)


async def _change_all(
    write: OwnerWrite,
    list_id: UUID,
    statement: str,
    action: Action,
    field: FieldOfAll,
    *further: object,
) -> int:
    await write.lock_feeds([list_id])
    diff = orjson.dumps([field._asdict()]).decode()
    values = (write.owner_id, list_id, write.now, action, write.actor_id, diff, write.first_seq)
    changed = 0
    while number := affected_rows(
        await write.connection.execute(statement, *values, BATCH_SIZE, *further)
    ):
        write.note_stored(list_id, number)
        changed += number
    return changed
