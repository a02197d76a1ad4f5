"""Changes of all todos that carry a tag: any number of them in one statement."""

from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.errors import UserError, not_allowed, not_found
from todo_gql.api.list_roles import ListRole
from todo_gql.changelog.cursors import FirstChange
from todo_gql.changelog.mirror import MIRRORED
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.connection import Row, affected_rows
from todo_gql.database.models import Action
from todo_gql.features.todos.access import TAG_COLUMNS, tags_of
from todo_gql.features.todos.writes import OwnerWrite

# A todo's names after the change: with the new one of the tag, or without it.
NEW_NAME = '(CASE WHEN g.name = $3 THEN $4::text ELSE g.name::text END) COLLATE "C"'
# Appends a change for every todo with the tag, with its tag names before and after, and raises the
# versions; $1 is the owner, $2 the id of the tag, $3 its old name, $4 the new one or null, $5 the time,
# $6 the action, $7 the actor, $8 the id of the first change. With a condition on the owner of `todos`,
# PostgreSQL may read all of the owner's todos for each one; a foreign key sees to it that they are the owner's.
LOG_CARRIERS = f"""
WITH carriers AS (
    UPDATE todos t SET version = version + 1, updated_at = $5
    WHERE t.id IN (
        SELECT tt.todo_id FROM todo_tags tt WHERE tt.owner_id = $1 AND tt.tag_id = $2
    ) RETURNING t.id, t.created_at, t.list_id
),
named AS (
    SELECT c.id, c.list_id, row_number() OVER (ORDER BY c.created_at, c.id) AS number,
        array_agg(g.name::text ORDER BY g.name) AS before,
        coalesce(array_agg(DISTINCT {NEW_NAME} ORDER BY {NEW_NAME})
            FILTER (WHERE {NEW_NAME} IS NOT NULL), '{{}}') AS after
    FROM carriers c JOIN todo_tags tt ON tt.owner_id = $1 AND tt.todo_id = c.id
    JOIN tags g ON g.owner_id = $1 AND g.id = tt.tag_id GROUP BY c.id, c.created_at, c.list_id
),
logged AS (
    SELECT id, list_id, number, jsonb_build_array(
        jsonb_build_object('name', 'tags', 'before', before, 'after', after)) AS diff FROM named
),
added AS (SELECT count(*) AS lines, coalesce(sum({CHANGE_BYTES}), 0)::bigint AS bytes FROM logged),
counted AS (
    UPDATE feeds f SET seq = seq + lines, counted_seq = counted_seq + lines,
        stored_bytes = stored_bytes + bytes
    FROM added WHERE owner_id = $1 RETURNING f.*
),
{MIRRORED}
INSERT INTO changes (id, owner_id, seq, todo_id, actor_id, action, diff, at, list_id, first_seq)
SELECT CASE WHEN n.number = 1 THEN $8 ELSE gen_random_uuid() END, $1, f.seq - lines + n.number, n.id, $7,
    $6, n.diff, $5, n.list_id, f.seq - lines + 1
FROM counted f, added, logged n
"""
LISTS_OF_CARRIERS = """
SELECT DISTINCT t.list_id FROM todo_tags tt JOIN todos t ON t.owner_id = $1 AND t.id = tt.todo_id
WHERE tt.owner_id = $1 AND tt.tag_id = $2
"""
LISTS_OF_CHANGES = "SELECT list_id FROM changes WHERE owner_id = $1 AND seq >= $2 ORDER BY seq"
# A tag of somebody else's, which the actor sees since a todo carries it in a list of both.
IS_OTHERS_TAG = """
SELECT EXISTS (
    SELECT FROM list_tags lt JOIN list_members m ON m.list_id = lt.list_id AND m.user_id = $1
    JOIN lists l ON l.id = lt.list_id AND l.deleted_at IS NULL
    WHERE lt.tag_id = $2 AND lt.owner_id <> $1 AND lt.todo_count > 0
)
"""


class CarrierChanges(NamedTuple):
    """How many todos carry a tag, those in the trash too, and the first of their changes."""

    number: int
    first: FirstChange | None


async def find_tag(write: OwnerWrite, tag_id: UUID) -> Row | None:
    """The owner's tag, even if only todos in the trash carry it."""
    statement = tags_of(write.owner_id)
    statement.where(f"g.id = {statement.bind(tag_id)}")
    return await write.connection.fetchrow(statement.select(TAG_COLUMNS), *statement.values)


async def missing_tag(write: OwnerWrite, tag_id: UUID | None) -> UserError:
    """The error for a tag that isn't the owner's, who is the actor: others' tags can only be seen."""
    if tag_id is None or not write.is_member:
        return not_found("id")
    is_visible = await write.connection.fetchval(IS_OTHERS_TAG, write.owner_id, tag_id)
    return not_allowed(ListRole.OWNER, "id") if is_visible else not_found("id")


async def log_carriers(write: OwnerWrite, tag: Row, name: str | None) -> CarrierChanges:
    """Log that all todos with a tag have another name in its place, or nothing; raises versions."""
    connection, owner_id = write.connection, write.owner_id
    lists = (
        await connection.fetch(LISTS_OF_CARRIERS, owner_id, tag["id"]) if write.has_members else []
    )
    await write.lock_feeds(row["list_id"] for row in lists)
    values = (owner_id, tag["id"], tag["name"], name, write.now, Action.UPDATED)
    first_id = uuid7()
    number = affected_rows(
        await connection.execute(LOG_CARRIERS, *values, write.actor_id, first_id)
    )
    if lists:
        for row in await connection.fetch(LISTS_OF_CHANGES, owner_id, write.first_seq):
            write.note_stored(row["list_id"], 1)
    first = FirstChange(owner_id, write.first_seq, str(first_id)) if number else None
    return CarrierChanges(number, first)
