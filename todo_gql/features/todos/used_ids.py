"""Ids that can't be used for new todos, since todos have or had them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from todo_gql.features.todos.writes import OwnerWrite

LOGGED_IDS: Final = (
    "SELECT DISTINCT todo_id FROM changes WHERE owner_id = $1 AND todo_id = ANY($2::uuid[])"
)
# What is stored, but not in one of these lists, has left them.
VISIBLE_LOGGED_IDS: Final = f"""
{LOGGED_IDS} AND list_id = ANY($3::uuid[]) AND NOT EXISTS (
    SELECT FROM todos t WHERE t.owner_id = $1 AND t.id = changes.todo_id
        AND t.list_id = ANY($3::uuid[]) IS NOT TRUE
)
"""


async def logged_ids(write: OwnerWrite, ids: Sequence[UUID]) -> AbstractSet[UUID]:
    """Those of the ids that the owner's log has, as far as the actor sees it, though the todo may be purged."""
    values = (write.owner_id, ids)
    if write.roles is None:
        rows = await write.connection.fetch(LOGGED_IDS, *values)
    else:
        rows = await write.connection.fetch(VISIBLE_LOGGED_IDS, *values, list(write.roles))
    return {row["todo_id"] for row in rows}
