"""Ending snoozes of notifications: the subscriptions of their owners send these again."""

from typing import Final

from todo_gql.database.connection import transaction
from todo_gql.database.retry import retried
from todo_gql.inbox import wake_ups
from todo_gql.inbox.inboxes import locked_inboxes, save_inboxes

BATCH_SIZE: Final = 500
POLL_SECONDS: Final = 2.0
"""How often a worker looks for snoozes that have ended."""

HAS_ENDED: Final = "n.snoozed_until <= now() AND n.archived_at IS NULL"
OWNERS: Final = f"""
SELECT DISTINCT e.owner_id FROM (
    SELECT n.owner_id FROM notifications n WHERE {HAS_ENDED} ORDER BY n.snoozed_until LIMIT {BATCH_SIZE}
) e
"""
# Read once the inboxes are locked: another worker may have ended some meanwhile.
ENDED: Final = f"""
SELECT n.owner_id, n.id FROM notifications n WHERE n.owner_id = ANY($1) AND {HAS_ENDED}
ORDER BY n.snoozed_until, n.id LIMIT {BATCH_SIZE}
"""
END: Final = """
UPDATE notifications n SET snoozed_until = NULL, seq = e.seq
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS e (owner_id, id, seq)
WHERE n.owner_id = ANY($1) AND n.owner_id = e.owner_id AND n.id = e.id
"""


async def end_snoozes() -> int:
    """Give new numbers to all entries whose snoozes have ended, by the clock of PostgreSQL; their number.

    What is archived meanwhile stays as it is. The places in lists stay, too.
    """
    ended = 0
    while number := await _end_some():
        ended += number
    return ended


@retried
async def _end_some() -> int:
    async with transaction() as connection:
        owners = [row["owner_id"] for row in await connection.fetch(OWNERS)]
        if not owners:
            return 0
        inboxes = await locked_inboxes(connection, owners)
        rows = await connection.fetch(ENDED, list(inboxes))
        numbers = [(owner_id, id, inboxes[owner_id].next_seq()) for owner_id, id in rows]
        if numbers:
            await connection.execute(END, *zip(*numbers, strict=True))
            await save_inboxes(connection, inboxes)
    wake_ups.announce({owner_id for owner_id, _ in rows})
    return len(numbers)
