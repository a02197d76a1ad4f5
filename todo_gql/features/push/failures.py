"""Why pushes weren't accepted, for who operates the server."""

from typing import Final

from todo_gql.database.connection import Row, fetch

# The path of an endpoint is a secret: whoever has it can send to the browser.
SELECT_FAILURES: Final = """
SELECT p.id, p.owner_id, p.created_at, p.last_error, substring(p.endpoint FROM '^https://[^/]+') AS origin
FROM push_subscriptions p WHERE p.last_error IS NOT NULL
ORDER BY p.created_at DESC, p.id DESC LIMIT $1
"""


async def push_failures(limit: int) -> list[Row]:
    """The newest browsers whose last push wasn't accepted, and why; raises what `fetch` raises."""
    return await fetch(SELECT_FAILURES, limit)
