"""Revokes everything that gives access to an account, when somebody else may have it."""

from uuid import UUID

from todo_gql.features.accounts.email.links import void_links
from todo_gql.security import authentication
from todo_gql.security.api_tokens import revoke_api_tokens


async def revoke_access(account_id: UUID, *, but: UUID | None = None) -> None:
    """End an account's sessions, all or all but one, revoke its API tokens, and void the links mailed to it.

    For the transaction of what causes it, which holds the account's lock.
    """
    await revoke_api_tokens(account_id)
    await authentication.end_sessions(account_id, but=but)
    await void_links(account_id)
