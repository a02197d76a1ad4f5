"""The order in which somebody sees lists: their own, and those of others in places of the viewer's own.

Under the lock of who sees them, that of their own lists. Where lists of others stand is in `list_members`.
"""

from functools import partial
from typing import Final
from uuid import UUID

from todo_gql.api.errors import UserError
from todo_gql.api.order_keys import keys_between
from todo_gql.api.placement import Placement, Sibling, Siblings
from todo_gql.database.connection import Row
from todo_gql.features.lists.entities import LISTS, position_at, short_key, siblings_of, update
from todo_gql.features.todos.list_access import LIST_COLUMNS
from todo_gql.features.todos.types import TodoList
from todo_gql.features.todos.writes import OwnerWrite

# With those of the owner in the trash, which come back to where they stood.
ALL_LISTS: Final = """(
    SELECT id, owner_id AS viewer_id, position, deleted_at FROM lists WHERE owner_id = $1
    UNION ALL SELECT m.list_id, m.user_id, m.position, l.deleted_at
    FROM list_members m JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id
    WHERE m.user_id = $1 AND m.user_id <> m.owner_id
) AS seen"""
POSITION: Final = "SELECT position FROM list_members WHERE list_id = $1 AND user_id = $2"
LIST_OF_OTHERS: Final = f"""
SELECT {", ".join("m.position" if column == "l.position" else column for column in LIST_COLUMNS)}
FROM list_members m JOIN lists l ON l.owner_id = m.owner_id AND l.id = m.list_id AND l.deleted_at IS NULL
WHERE m.user_id = $1 AND m.user_id <> m.owner_id AND m.list_id = $2
"""
SET_POSITIONS: Final = """
UPDATE list_members m SET position = n.position FROM unnest($2::uuid[], $3::text[]) AS n (list_id, position)
WHERE m.user_id = $1 AND m.list_id = n.list_id AND m.user_id <> m.owner_id
"""


async def shown(write: OwnerWrite, row: Row) -> TodoList:
    """The owner's list as the actor sees it: where it stands among the actor's lists."""
    if write.is_of_owner:
        return TodoList.from_row(row)
    position = await write.connection.fetchval(POSITION, row["id"], write.actor_id)
    return TodoList.from_row({**row, "position": position})


async def load_list_of_others(write: OwnerWrite, list_id: UUID | None) -> Row | None:
    """The list of somebody else's with this id that the owner sees; None without one."""
    if list_id is None or not write.is_member:
        return None
    return await write.connection.fetchrow(LIST_OF_OTHERS, write.owner_id, list_id)


async def position_in_own_order(
    write: OwnerWrite, placement: Placement, moved: Sibling, *path: str
) -> str | UserError:
    """The key of order of a placement among the lists that the owner sees; or why there is none, at a path."""
    if not write.is_member:
        return await position_at(write, LISTS, siblings_of(write, LISTS), placement, moved, *path)
    siblings = Siblings(ALL_LISTS, "viewer_id = $1", (write.owner_id,))
    renumber_all = partial(_renumber, write)
    return await short_key(write.connection, siblings, placement, moved, renumber_all, *path)


async def move_list_of_others(
    write: OwnerWrite, row: Row, placement: Placement | None
) -> list[UserError]:
    """Move a list of somebody else's among those that the owner sees; returns why it can't be."""
    if placement is None:
        return []
    moved = Sibling(row["id"], row["position"])
    key = await position_in_own_order(write, placement, moved, "place")
    if isinstance(key, UserError):
        write.discard()
        return [key]
    await write.connection.execute(SET_POSITIONS, write.owner_id, [row["id"]], [key])
    await write.store()
    return []


async def _renumber(write: OwnerWrite) -> None:
    """Give all lists short keys in the order that they have; each of the owner's is a change of its own."""
    connection, owner_id = write.connection, write.owner_id
    text = f"SELECT id, position FROM {ALL_LISTS} ORDER BY position, id"
    rows = await connection.fetch(text, owner_id)
    # They sort after all keys that there are, since lists are updated one after the other.
    keys = keys_between(rows[-1]["position"], None, len(rows), "lower")
    by_id = {row["id"]: key for row, key in zip(rows, keys, strict=True)}
    own = f"SELECT {LISTS.returned} FROM lists l WHERE l.owner_id = $1"
    for row in await connection.fetch(own, owner_id):
        await update(write, LISTS, row, {"position": by_id.pop(row["id"])})
    await connection.execute(SET_POSITIONS, owner_id, list(by_id), list(by_id.values()))
