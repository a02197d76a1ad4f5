"""Spans as a write to a shared list stores them."""

from uuid import UUID

from tests.support.accounts import Account
from todo_gql.changelog.feed_registry import announce
from todo_gql.database.connection import fetch

NEWEST = "SELECT seq FROM feeds WHERE owner_id = $1"
TELL = """
WITH counted AS (
    UPDATE feeds SET seq = seq + $3, counted_seq = counted_seq + $3, has_spans = true
    WHERE owner_id = $1 RETURNING seq
)
INSERT INTO spans (owner_id, seq_from, seq_to, source_owner_id, source_from, at)
SELECT $1, seq - $3 + 1, seq, $2, $4, now() FROM counted
"""


async def newest_number(account: Account) -> int:
    """The number of the newest change in an account's feed."""
    [row] = await fetch(NEWEST, UUID(account.id))
    return int(row["seq"])


async def tell(
    recipient: Account, owner: Account, number: int = 1, first: int | None = None
) -> None:
    """Give somebody's feed the owner's last changes, or as many from the first number on."""
    if first is None:
        first = await newest_number(owner) - number + 1
    await fetch(TELL, UUID(recipient.id), UUID(owner.id), number, first)
    announce(UUID(recipient.id))
