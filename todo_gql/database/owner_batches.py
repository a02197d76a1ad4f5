"""Iterating over owners in batches, for maintenance that concerns only some of them."""

from collections.abc import AsyncIterator
from uuid import UUID

from todo_gql.database.connection import fetch

BATCH_SIZE = 1_000
LOWEST_ID = UUID(int=0)
# The first statement of every transaction that must not run beside the owner's own writes.
LOCK_OWNER = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
# By owner, like every statement about data of owners, so that it can run on each shard.
SELECT_BATCH = """
SELECT u.id, {} AS is_due
FROM (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2) u ORDER BY u.id
"""


async def owners_where(is_due: str, days: int) -> AsyncIterator[UUID]:
    """The ids of the owners for whom an SQL condition holds, in ascending order.

    In the condition the owner is `u.id`, and the number of days is `$3`.
    """
    statement = SELECT_BATCH.format(is_due)
    last = LOWEST_ID
    while rows := await fetch(statement, last, BATCH_SIZE, days):
        for row in rows:
            if row["is_due"]:
                yield row["id"]
        last = rows[-1]["id"]
