"""API tokens as the schema shows them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.api.node import Node
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Values
from todo_gql.features.todos.list_loaders import lists_by_id
from todo_gql.features.todos.types import TodoList
from todo_gql.operation.context import Info
from todo_gql.security.api_tokens import stored_list_ids, stored_scopes


@strawberry.type(
    description="A personal API token: programs that send it as `Authorization: Bearer …` act as the viewer, "
    "within its scopes and lists."
)
class ApiToken(Node):
    """A row of api_tokens."""

    name: str = strawberry.field(description="What its owner calls it.")
    hint: str = strawberry.field(
        description="The beginning of the token, by which its owner recognises it."
    )
    scopes: list[TokenScope] = strawberry.field(description="What it opens.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="When it opens nothing any more.")
    last_used_at: datetime | None = strawberry.field(
        description="The minute in which it was used last; null if it never was."
    )
    list_keys: strawberry.Private[list[UUID] | None]

    @strawberry.field(
        description="The lists that it is bound to, as far as they are there; null if it isn't bound to lists.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def lists(self, info: Info) -> Sequence[TodoList] | None:
        if self.list_keys is None:
            return None
        rows = await info.context.loader(lists_by_id).load_all(self.list_keys)
        return [TodoList.from_row(row) for row in rows if row and row["deleted_at"] is None]

    @classmethod
    def from_row(cls, row: Values) -> "ApiToken":
        """The token in a row."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            name=row["name"],
            hint=row["hint"],
            scopes=stored_scopes(row),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            last_used_at=row["last_used_at"],
            list_keys=stored_list_ids(row),
        )


@strawberry.type(description="A new token, and the only answer that ever has its text.")
class ApiTokenPayload:
    """The answer of `apiTokenCreate`."""

    token: ApiToken | None = strawberry.field(
        description="The new token; null if there are errors.", default=None
    )
    secret: str | None = strawberry.field(
        description="The text that programs send. It isn't stored, and can't be shown again.",
        default=None,
    )
    errors: list[UserError] = strawberry.field(
        description="Why there is no token; empty if there is.", default_factory=list
    )
