"""Deletes a tag from any number of todos in a few statements."""

from uuid import UUID

from todo_gql.api.errors import not_found
from todo_gql.api.node import parse_id
from todo_gql.database.retry import retried
from todo_gql.features.todos.payloads import TagPayload
from todo_gql.features.todos.tag_carriers import find_tag, log_carriers
from todo_gql.features.todos.tag_types import Tag
from todo_gql.features.todos.writes import owner_write
from todo_gql.operation.context import Context
from todo_gql.security.sliding_window import COST

# ON DELETE CASCADE takes it from its todos, and from the counts of lists.
DELETE_TAG = "DELETE FROM tags WHERE owner_id = $1 AND id = $2"


@retried
async def delete_tag(context: Context, owner_id: UUID, id: str) -> TagPayload:
    """Delete an owner's tag, which all todos lose, those in the trash too.

    No quota refuses it. The viewer is the actor, and is charged for each todo. `Unauthenticated` if
    nobody is signed in.
    """
    viewer, tag_id = context.signed_in(), parse_id(id)
    async with owner_write(owner_id=owner_id, actor_id=viewer.id) as write:
        tag = await find_tag(write, tag_id) if tag_id else None
        if tag is None:
            return TagPayload(errors=[not_found("id")])
        changes = await log_carriers(write, tag, None)
        await write.connection.execute(DELETE_TAG, owner_id, tag["id"])
    context.limits.charge(viewer.id.int, COST, changes.number)
    context.clear_loaders()
    return TagPayload(tag=Tag.from_row(tag), first_change=changes.first)
