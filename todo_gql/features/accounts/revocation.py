"""Revokes everything that gives access to an account, when somebody else may have it."""

from uuid import UUID

from todo_gql.features.accounts.email.links import void_links
from todo_gql.security import authentication


async def revoke_access(account_id: UUID, *, but: UUID | None = None) -> None:
    """End an account's sessions, all or all but one, and void the links that were mailed to it.

    For the transaction of what causes it, which holds the account's lock.
    """
    await authentication.end_sessions(account_id, but=but)
    await void_links(account_id)
