"""What an API token opens to whoever sends it: the scopes and the lists that its owner chose."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from todo_gql.api.token_scopes import TokenScope


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """The scopes of a token, the lists that it is bound to (None if to none), and when it expires.

    A token whose lists are all gone stays bound, and opens nothing of any list.
    """

    scopes: frozenset[TokenScope]
    list_ids: frozenset[UUID] | None = None
    expires_at: datetime | None = field(default=None, compare=False)
