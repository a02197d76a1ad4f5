"""Fills in the search texts of todos that lack one: those that the previous release has written."""

import logging
from uuid import UUID

from todo_gql.api.search_text import search_text
from todo_gql.database.connection import Connection
from todo_gql.database.owner_batches import owner_transaction, owners_where
from todo_gql.event_loop.time_slice import TimeSlice

logger = logging.getLogger(__name__)

BATCH = 500
IS_UNFILLED = """
$3::int = 0 AND EXISTS (SELECT FROM todos t WHERE t.owner_id = u.id AND t.search_text IS NULL)
"""
UNFILLED = f"""
SELECT id, title, description FROM todos WHERE owner_id = $1 AND search_text IS NULL LIMIT {BATCH}
"""
FILL = """
UPDATE todos t SET search_text = n.search_text FROM unnest($2::uuid[], $3::text[]) AS n (id, search_text)
WHERE t.owner_id = $1 AND t.id = n.id
"""


async def fill_search_texts() -> int:
    """Fill in the missing search texts of all owners; returns their number.

    An owner whose texts can't be filled in is logged; the others' still are.
    """
    filled = 0
    async for owner_id in owners_where(IS_UNFILLED, 0):
        try:
            while number := await _fill_batch(owner_id):
                filled += number
        except Exception:
            logger.exception("search texts can't be stored", extra={"owner_id": str(owner_id)})
    return filled


async def _fill_batch(owner_id: UUID) -> int:
    async with owner_transaction(owner_id) as connection:
        return await fill_batch(connection, owner_id)


async def fill_batch(connection: Connection, owner_id: UUID) -> int:
    """Fill in some of an owner's missing search texts, under the owner's lock; returns how many."""
    ids, texts, time_slice = list[UUID](), list[str](), TimeSlice()
    for row in await connection.fetch(UNFILLED, owner_id):
        await time_slice.checkpoint()
        ids.append(row["id"])
        texts.append(search_text(row["title"], row["description"]))
    if ids:
        await connection.execute(FILL, owner_id, ids, texts)
    return len(ids)
