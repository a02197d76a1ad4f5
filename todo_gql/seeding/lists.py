"""The lists and sections of a seeded account, of which those that are done with are archived at last."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.order_keys import position_key
from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import Row
from todo_gql.features.lists.entities import LISTS, SECTIONS, EntityTable, insert, update
from todo_gql.features.lists.list_actions import MAX_LISTS
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.seeding.histories import INBOX, Placement, Placements
from todo_gql.seeding.vocabulary import AREAS, Area, ListPlan

# So many percent of the todos are in lists, unless these were to hold more than a list may: 5,000 of
# its todos may be open, and most are done.
PERCENT: Final = 60
TODOS_PER_LIST: Final = 10_000

PLANS: Final = tuple(plan for area in AREAS for plan in area.lists)
OWN_LISTS = f"""
SELECT {LISTS.returned} FROM lists l
WHERE l.owner_id = $1 AND l.deleted_at IS NULL ORDER BY l.position
"""
OWN_SECTIONS = """
SELECT id, list_id, name FROM sections WHERE owner_id = $1 AND deleted_at IS NULL ORDER BY position
"""


async def create_lists(write: OwnerWrite, since: datetime, todos: int) -> Placements:
    """Create the lists that the account hasn't yet, and return where its todos are to be created.

    The lists are as old as `since`. An account that has no room for them gets none.
    """
    write.clock = LocalClock(since)
    rows = {row["name"]: row for row in await write.connection.fetch(OWN_LISTS, write.owner_id)}
    missing = [plan for plan in PLANS if plan.name not in rows]
    if len(rows) + len(missing) > MAX_LISTS:
        return INBOX
    for plan in missing:
        rows[plan.name] = await _create_list(write, plan)
    await write.store()
    sections = await write.connection.fetch(OWN_SECTIONS, write.owner_id)
    percent = min(PERCENT, 100 * len(PLANS) * TODOS_PER_LIST / todos)
    return Placements(percent, {area: _placements(area, rows, sections) for area in AREAS})


async def _create_list(write: OwnerWrite, plan: ListPlan) -> Row:
    row = await _insert(write, LISTS, name=plan.name, color=plan.color)
    for name in plan.sections:
        await _insert(write, SECTIONS, name=name, list_id=row["id"])
    return row


async def _insert(write: OwnerWrite, table: EntityTable, **values: Any) -> Row:
    """Insert a list or a section behind all others: none has a key of a higher number."""
    position = position_key(write.next_seq)
    row = await insert(write, table, {"id": uuid7(), "position": position, **values})
    assert row is not None
    return row


def _placements(area: Area, lists: dict[str, Row], sections: Sequence[Row]) -> Sequence[Placement]:
    """Where todos of an area may be created: in its lists, and in each of their sections."""
    ids: list[UUID] = [lists[plan.name]["id"] for plan in area.lists]
    in_sections = [
        Placement(section["list_id"], section["id"])
        for section in sections
        if section["list_id"] in ids
    ]
    return [*(Placement(list_id, None) for list_id in ids), *in_sections]


async def archive_lists(write: OwnerWrite) -> None:
    """Archive the lists that are done with."""
    names = {plan.name for plan in PLANS if plan.is_archived}
    for row in await write.connection.fetch(OWN_LISTS, write.owner_id):
        if row["name"] in names and row["archived_at"] is None:
            await update(write, LISTS, row, {"archived_at": write.now})
    await write.store()
