"""The scopes of API tokens, as the schema shows them, and how a field names its own."""

from enum import Enum
from typing import Any, Final

import strawberry

SCOPE_KEY: Final = "scope"
"""Where a field's metadata has its scope."""

LISTS_KEY: Final = "lists"
"""Where a field's metadata has whether tokens that are bound to lists open it."""


@strawberry.enum(
    description="What an API token opens. Credentials, sessions, and other tokens are never opened."
)
class TokenScope(Enum):
    """The scopes, by the names that are stored."""

    TODOS_READ = strawberry.enum_value(
        "TODOS_READ",
        description="Reads todos, lists, tags, views, comments, files, and what happens.",
    )
    TODOS_WRITE = strawberry.enum_value(
        "TODOS_WRITE", description="Writes todos, lists, tags, views, reminders and files."
    )
    COMMENTS_WRITE = strawberry.enum_value("COMMENTS_WRITE", description="Writes comments.")
    LISTS_SHARE = strawberry.enum_value(
        "LISTS_SHARE", description="Invites, accepts, and changes who is in lists."
    )
    WEBHOOKS = strawberry.enum_value("WEBHOOKS", description="Reads and writes webhooks.")
    PROFILE_READ = strawberry.enum_value(
        "PROFILE_READ", description="Reads the account, its notifications and preferences."
    )
    TRANSFER = strawberry.enum_value(
        "TRANSFER", description="Imports, exports, and makes calendar feeds."
    )


def scoped(scope: TokenScope | None, *, lists: bool = False) -> dict[str, Any]:
    """The `metadata` of a field: the scope that an API token needs for it; None for what sessions alone open.

    Every root field has it, and every other field that leads from an object to others. `lists` says that
    the field shows and changes nothing beyond the lists that a token is bound to: only such fields are open to
    bound tokens.
    """
    return {SCOPE_KEY: scope, LISTS_KEY: lists}
