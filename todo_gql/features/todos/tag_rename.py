"""Renames a tag on any number of todos in a few statements."""

from uuid import UUID

from todo_gql.api.errors import UserError, invalid
from todo_gql.api.node import parse_id
from todo_gql.database.connection import Row
from todo_gql.database.retry import retried
from todo_gql.features.todos.payloads import TagPayload
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.tag_carriers import (
    CarrierChanges,
    find_tag,
    log_carriers,
    missing_tag,
)
from todo_gql.features.todos.tag_names import read_tag_name
from todo_gql.features.todos.tag_types import Tag
from todo_gql.features.todos.writes import OwnerWrite, owner_write
from todo_gql.operation.context import Context
from todo_gql.security.sliding_window import COST

# Counts change by differences, as in all writes: a recount beside this relies on that.
RETAG = """
WITH tagged AS (
    INSERT INTO todo_tags (owner_id, todo_id, tag_id)
    SELECT $1, tt.todo_id, $3 FROM todo_tags tt WHERE tt.owner_id = $1 AND tt.tag_id = $2
    ON CONFLICT (owner_id, todo_id, tag_id) DO NOTHING RETURNING todo_id
), counted AS (
    SELECT t.list_id, count(*) AS number
    FROM tagged JOIN todos t ON t.owner_id = $1 AND t.id = tagged.todo_id
    WHERE t.deleted_at IS NULL GROUP BY t.list_id
), in_lists AS (
    INSERT INTO list_tags (owner_id, list_id, tag_id, todo_count)
    SELECT $1, list_id, $3, number FROM counted WHERE list_id IS NOT NULL
    ON CONFLICT (owner_id, list_id, tag_id) DO UPDATE
    SET todo_count = list_tags.todo_count + excluded.todo_count
)
UPDATE tags g SET todo_count = g.todo_count + (SELECT coalesce(sum(number), 0) FROM counted)
WHERE g.owner_id = $1 AND g.id = $3
"""


@retried
async def rename_tag(context: Context, id: str, name: str) -> TagPayload:
    """Rename a tag of the viewer's, or merge it into the tag that has the name already.

    The viewer is charged for it. `Unauthenticated` if nobody is signed in.
    """
    viewer = context.signed_in()
    problems: list[UserError] = []
    new_name = read_tag_name(name, problems, "name")
    tag_id, changes = parse_id(id), CarrierChanges(0, None)
    async with owner_write(owner_id=viewer.id, actor_id=viewer.id) as write:
        tag = await find_tag(write, tag_id) if tag_id else None
        if tag is None:
            return TagPayload(errors=[await missing_tag(write, tag_id), *problems])
        if problems:
            return TagPayload(errors=problems)
        if tag["name"] != new_name:
            if problem := write.storage.full_problem(Quota.of(context.settings)):
                return TagPayload(errors=[invalid(*problem, "name")])
            tag, changes = await _renamed(write, tag, new_name)
    # The number of todos is known only now; each costs as much as an item of a bulk action.
    context.limits.charge(viewer.caller, COST, changes.number)
    context.clear_loaders()
    return TagPayload(tag=Tag.from_row(tag), first_change=changes.first)


async def _renamed(write: OwnerWrite, tag: Row, name: str) -> tuple[Row, CarrierChanges]:
    """The tag as it is now, and the changes of the todos that carried it."""
    connection, owner_id, tag_id = write.connection, write.owner_id, tag["id"]
    changes = await log_carriers(write, tag, name)
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
    renamed = await find_tag(write, target_id)
    assert renamed is not None
    return renamed, changes
