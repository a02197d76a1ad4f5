"""Going through the owners for whom there is something to do, without asking for all at once."""

from collections.abc import AsyncIterator
from uuid import UUID

from todo_gql.database.connection import fetch

OWNERS_AT_ONCE = 1_000
NOBODY = UUID(int=0)
# What stands in a line with the owner's own writes begins with it.
LOCK_OWNER = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
# By owner, as every statement about what is somebody's, so that it can be asked of each shard.
OWNERS = """
SELECT u.id, {} AS is_due
FROM (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2) u ORDER BY u.id
"""


async def owners_where(is_due: str, days: int) -> AsyncIterator[UUID]:
    """The owners, in the order of their ids, for whom an SQL condition holds.

    The condition calls the owner `u.id`, and the number of days `$3`.
    """
    statement = OWNERS.format(is_due)
    last = NOBODY
    while rows := await fetch(statement, last, OWNERS_AT_ONCE, days):
        for row in rows:
            if row["is_due"]:
                yield row["id"]
        last = rows[-1]["id"]
