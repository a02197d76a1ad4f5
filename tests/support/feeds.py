"""What the feeds of people hold: their own changes, and those of others by spans."""

from typing import NamedTuple
from uuid import UUID

from tests.support.accounts import Account
from todo_gql.database.connection import fetch, fetchrow

# The numbers of a feed, each with the owner of the log, its number there, and the change if it is stored.
FEED = """
SELECT f.seq, f.source_owner_id::text AS owner_id, f.source_seq, c.kind, c.action, c.todo_id::text,
    c.entity_id::text, c.list_id::text
FROM (
    SELECT seq, owner_id AS source_owner_id, seq AS source_seq FROM changes WHERE owner_id = $1
    UNION ALL
    SELECT s.seq_from + n, s.source_owner_id, s.source_from + n
    FROM spans s, generate_series(0, s.seq_to - s.seq_from) n WHERE s.owner_id = $1
) f LEFT JOIN changes c ON c.owner_id = f.source_owner_id AND c.seq = f.source_seq ORDER BY f.seq
"""


class FeedRow(NamedTuple):
    """One number of a feed; what it is `of` is the id of a todo, a list, a member or a comment."""

    seq: int
    owner_id: str
    source_seq: int
    kind: int
    action: int
    of: str
    list_id: str | None


async def feed_of(account: Account) -> list[FeedRow]:
    """All numbers of a person's feed, which are to be without gaps and end at the stored number."""
    user_id = UUID(account.id)
    rows = [
        FeedRow(
            row["seq"],
            row["owner_id"],
            row["source_seq"],
            row["kind"],
            row["action"],
            row["entity_id"] or row["todo_id"],
            row["list_id"],
        )
        for row in await fetch(FEED, user_id)
    ]
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    stored = "SELECT seq FROM feeds WHERE owner_id = $1 AND counted_seq = seq"
    feed = await fetchrow(stored, user_id)
    assert feed is not None
    assert feed["seq"] == len(rows)
    return rows
