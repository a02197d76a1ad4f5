"""Deletes a tag from any number of todos in a few statements."""

from todo_gql.api.node import parse_id
from todo_gql.database.retry import retried
from todo_gql.features.todos.payloads import TagPayload
from todo_gql.features.todos.tag_carriers import find_tag, log_carriers, missing_tag
from todo_gql.features.todos.tag_types import Tag
from todo_gql.features.todos.writes import owner_write
from todo_gql.operation.context import Context
from todo_gql.security.sliding_window import COST

# ON DELETE CASCADE takes it from its todos, and from the counts of lists.
DELETE_TAG = "DELETE FROM tags WHERE owner_id = $1 AND id = $2"


@retried
async def delete_tag(context: Context, id: str) -> TagPayload:
    """Delete a tag of the viewer's, which all todos lose, those in the trash too.

    No quota refuses it. The viewer is charged for each todo. `Unauthenticated` if nobody is signed in.
    """
    viewer, tag_id = context.signed_in(), parse_id(id)
    async with owner_write(owner_id=viewer.id, actor_id=viewer.id) as write:
        tag = await find_tag(write, tag_id) if tag_id else None
        if tag is None:
            return TagPayload(errors=[await missing_tag(write, tag_id)])
        changes = await log_carriers(write, tag, None)
        await write.connection.execute(DELETE_TAG, viewer.id, tag["id"])
    context.limits.charge(viewer.caller, COST, changes.number)
    context.clear_loaders()
    return TagPayload(tag=Tag.from_row(tag), first_change=changes.first)
