"""Reading saved views."""

import strawberry

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import fetch
from todo_gql.features.views.access import VIEW_COLUMNS, visible_views
from todo_gql.features.views.types import SavedView
from todo_gql.operation.context import Info


@strawberry.type
class ViewQuery:
    """The query fields of saved views."""

    @strawberry.field(
        description="The viewer's saved views, at most 150, by their positions.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def saved_views(self, info: Info) -> list[SavedView]:
        statement = visible_views(info.context.signed_in())
        rows = await fetch(statement.select(VIEW_COLUMNS, "v.position"), *statement.values)
        return [SavedView.from_row(row) for row in rows]
