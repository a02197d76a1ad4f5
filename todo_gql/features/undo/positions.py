"""The positions to which todos return: their own, or the next free one where another todo has it."""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

from todo_gql.api.order_keys import key_between
from todo_gql.database.connection import Connection
from todo_gql.features.todos.list_access import INBOX, LIST_OR_INBOX
from todo_gql.features.undo.items import Item

Slot: TypeAlias = tuple[UUID, str]
"""A list, or the inbox, and a position in it."""

OCCUPIED = f"""
SELECT t.id, w.list_id, w.position FROM unnest($2::uuid[], $3::text[]) AS w (list_id, position)
JOIN todos t ON t.owner_id = $1
    AND {LIST_OR_INBOX} = w.list_id
    AND t.position = w.position
"""
NEXT = f"""
SELECT min(t.position) FROM todos t WHERE t.owner_id = $1
    AND {LIST_OR_INBOX} = $2 AND t.position > $3
"""
# Rows are updated one after the other, so what leaves a position has to leave it first. No key has a `~`.
VACATE = """
UPDATE todos SET position = position || '~' || id WHERE owner_id = $1 AND id = ANY($2::uuid[])
"""


async def find_positions(connection: Connection, owner_id: UUID, items: Sequence[Item]) -> None:
    """Plan for each item a position that no other todo has, as near to its own as can be.

    A todo of the undo that leaves a position to which another one returns is moved out of the way.
    """
    by_slot = {_slot(item): item for item in items if _is_placed_anew(item)}
    if not by_slot:
        return
    columns = [list(column) for column in zip(*by_slot, strict=True)]
    rows = await connection.fetch(OCCUPIED, owner_id, *columns)
    leaving = {item.id for item in by_slot.values()}
    holders = {(row["list_id"], row["position"]): row["id"] for row in rows}
    occupied = sorted(by_slot)
    for slot, holder in holders.items():
        planned = by_slot[slot].planned
        if holder in leaving or planned is None:
            continue
        position = await _next_free(connection, owner_id, slot, occupied)
        insort(occupied, (slot[0], position))
        by_slot[slot].planned = planned._replace(position=position)
    if vacating := [holder for holder in holders.values() if holder in leaving]:
        await connection.execute(VACATE, owner_id, vacating)


def _slot(item: Item) -> Slot:
    assert item.planned is not None
    return item.planned.list_id or INBOX, item.planned.position


def _is_placed_anew(item: Item) -> bool:
    stored, planned = item.stored, item.planned
    if stored is None or planned is None:
        return False
    return (stored.list_id, stored.position) != (planned.list_id, planned.position)


async def _next_free(
    connection: Connection, owner_id: UUID, slot: Slot, occupied: Sequence[Slot]
) -> str:
    """A position right after one that another todo has, and before all that are `occupied`."""
    list_id, position = slot
    upper: str | None = await connection.fetchval(NEXT, owner_id, list_id, position)
    index = bisect_right(occupied, slot)
    if index < len(occupied) and occupied[index][0] == list_id:
        upper = min(upper or occupied[index][1], occupied[index][1])
    return key_between(position, upper, near="lower")
