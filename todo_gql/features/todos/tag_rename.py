"""Renames a tag on any number of todos in a few statements."""

from uuid import UUID

from todo_gql.api.errors import UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.changelog.mirror import MIRRORED
from todo_gql.changelog.sizes import CHANGE_BYTES
from todo_gql.database.connection import Row
from todo_gql.database.models import Action
from todo_gql.database.retry import retried
from todo_gql.features.todos.access import TAG_COLUMNS, tags_of
from todo_gql.features.todos.payloads import TagPayload
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.tag_names import read_tag_name
from todo_gql.features.todos.tag_types import Tag
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.operation.context import Context
from todo_gql.security.sliding_window import COST

# Appends a change for every todo with the tag, with its tag names before and after, and raises the
# versions; $1 is the owner, $2 the id of the tag, $3 its old name, $4 the new one, $5 the time,
# $6 the action, $7 the actor.
LOG_RENAMED = f"""
WITH carriers AS (
    UPDATE todos t SET version = version + 1, updated_at = $5
    WHERE t.owner_id = $1 AND t.id IN (
        SELECT tt.todo_id FROM todo_tags tt WHERE tt.owner_id = $1 AND tt.tag_id = $2
    ) RETURNING t.id, t.created_at, t.list_id
),
named AS (
    SELECT c.id, c.list_id, row_number() OVER (ORDER BY c.created_at, c.id) AS number,
        array_agg(g.name::text ORDER BY g.name) AS before,
        array_agg(DISTINCT (CASE WHEN g.name = $3 THEN $4 ELSE g.name::text END) COLLATE "C"
            ORDER BY (CASE WHEN g.name = $3 THEN $4 ELSE g.name::text END) COLLATE "C") AS after
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
SELECT gen_random_uuid(), $1, f.seq - lines + n.number, n.id, $7, $6, n.diff, $5, n.list_id,
    f.seq - lines + 1
FROM counted f, added, logged n
"""
RETAG = """
INSERT INTO todo_tags (owner_id, todo_id, tag_id)
SELECT $1, tt.todo_id, $3 FROM todo_tags tt WHERE tt.owner_id = $1 AND tt.tag_id = $2
ON CONFLICT (owner_id, todo_id, tag_id) DO NOTHING
"""
# A merge only adds todos to a tag, so that no list has to lose its count.
RECOUNT = """
WITH counted AS (
    SELECT t.list_id, count(*) AS number
    FROM todo_tags tt JOIN todos t ON t.owner_id = tt.owner_id AND t.id = tt.todo_id
    WHERE tt.owner_id = $1 AND tt.tag_id = $2 AND t.deleted_at IS NULL GROUP BY t.list_id
), in_lists AS (
    INSERT INTO list_tags (owner_id, list_id, tag_id, todo_count)
    SELECT $1, list_id, $2, number FROM counted WHERE list_id IS NOT NULL
    ON CONFLICT (owner_id, list_id, tag_id) DO UPDATE SET todo_count = excluded.todo_count
)
UPDATE tags g SET todo_count = (SELECT coalesce(sum(number), 0) FROM counted)
WHERE g.owner_id = $1 AND g.id = $2
"""


@retried
async def rename_tag(context: Context, owner_id: UUID, id: str, name: str) -> TagPayload:
    """Rename an owner's tag, or merge it into the tag that has the name already.

    The viewer is the actor, and is charged for it. `Unauthenticated` if nobody is signed in.
    """
    viewer = context.signed_in()
    problems: list[UserError] = []
    new_name = read_tag_name(name, problems, "name")
    tag_id, changed = parse_id(id), 0
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        tag = await _tag(write, tag_id) if tag_id else None
        if tag is None:
            return TagPayload(errors=[not_found("id"), *problems])
        if problems:
            return TagPayload(errors=problems)
        if tag["name"] != new_name:
            if problem := write.storage.full_problem(Quota.of(context.settings)):
                return TagPayload(errors=[invalid(*problem, "name")])
            tag, changed = await _renamed(write, tag, new_name)
    # The number of todos is known only now; each costs as much as an item of a bulk action.
    context.limits.charge(viewer.id.int, COST, changed)
    context.clear_loaders()
    return TagPayload(tag=Tag.from_row(tag))


async def _tag(write: OwnerWrite, tag_id: UUID) -> Row | None:
    """The owner's tag, even if only todos in the trash carry it."""
    statement = tags_of(write.owner_id)
    statement.where(f"g.id = {statement.bind(tag_id)}")
    return await write.connection.fetchrow(statement.select(TAG_COLUMNS), *statement.values)


async def _renamed(write: OwnerWrite, tag: Row, name: str) -> tuple[Row, int]:
    """The tag as it is now, and how many todos carry it."""
    connection, owner_id, tag_id = write.connection, write.owner_id, tag["id"]
    values = (owner_id, tag_id, tag["name"], name, write.now, Action.UPDATED, write.actor_id)
    logged = await connection.execute(LOG_RENAMED, *values)
    target_id: UUID | None = await connection.fetchval(
        "SELECT id FROM tags WHERE owner_id = $1 AND name = $2", owner_id, name
    )
    if target_id is None:
        target_id = tag_id
        await connection.execute(
            "UPDATE tags SET name = $3 WHERE owner_id = $1 AND id = $2", owner_id, tag_id, name
        )
    else:
        await connection.execute(RETAG, owner_id, tag_id, target_id)
        # ON DELETE CASCADE takes the old tag from its todos.
        await connection.execute(
            "DELETE FROM tags WHERE owner_id = $1 AND id = $2", owner_id, tag_id
        )
        await connection.execute(RECOUNT, owner_id, target_id)
    renamed = await _tag(write, target_id)
    assert renamed is not None
    return renamed, int(logged.rpartition(" ")[2])
