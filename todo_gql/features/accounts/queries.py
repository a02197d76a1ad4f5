"""The query fields for accounts."""

import strawberry

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.accounts.loaders import users_by_id
from todo_gql.features.accounts.types import User
from todo_gql.operation.context import Info


@strawberry.type
class AccountQuery:
    """The account fields of Query."""

    @strawberry.field(
        description="The signed-in user; null when signed out.",
        metadata=scoped(TokenScope.PROFILE_READ),
    )
    async def viewer(self, info: Info) -> User | None:
        """The viewer's own account."""
        viewer = info.context.viewer
        if viewer is None:
            return None
        row = await info.context.loader(users_by_id).load_one(viewer.id)
        return None if row is None else User.from_row(row, viewer)
