"""How many notifications are unread: a count that is stored, without those that are snoozed."""

from typing import Final

from todo_gql.database.connection import fetch
from todo_gql.inbox.access import IS_UNREAD, is_snoozed
from todo_gql.operation.context import Context

# An index has the unread ones that were ever snoozed, by when that ends.
UNREAD_COUNT: Final = f"""
SELECT i.unread_count - (SELECT count(*) FROM notifications n
    WHERE n.owner_id = $1 AND {IS_UNREAD} AND {is_snoozed("$2")}) AS number
FROM inboxes i WHERE i.owner_id = $1
"""


async def unread_count(context: Context) -> int:
    """How many notifications of the viewer are neither read nor archived nor snoozed now.

    `Unauthenticated` if nobody is signed in.
    """
    rows = await fetch(UNREAD_COUNT, context.signed_in().id, context.now)
    return int(rows[0]["number"]) if rows else 0
