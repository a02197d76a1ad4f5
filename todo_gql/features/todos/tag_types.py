"""Tags as the schema shows them."""

from collections.abc import Sequence
from typing import Any

import strawberry

from todo_gql.api.connections import Connection
from todo_gql.api.cost_weights import COST_WEIGHT, FEW_ROWS
from todo_gql.api.node import Node
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Values
from todo_gql.execution import ConvertedColumn, RowType
from todo_gql.operation.context import Info


@strawberry.type(description="A label that the viewer gives to todos.")
class Tag(Node):
    """A row of tags."""

    name: str = strawberry.field(
        description="Trimmed and in lower case, 1 to 50 characters; one name however it was typed."
    )
    todo_count: int = strawberry.field(
        description="Todos, outside the trash, that carry this tag.",
        metadata=scoped(TokenScope.TODOS_READ),
    )

    @classmethod
    def from_row(cls, row: Values) -> "Tag":
        """The tag in a row."""
        return TAGS.lazy(row)

    @classmethod
    def from_rows(cls, rows: Sequence[Values]) -> Sequence["Tag"]:
        """The tags in rows."""
        return TAGS.objects(rows)


TAGS = RowType(Tag, id=ConvertedColumn("id", str), name="name", todo_count="todo_count")
# As todos come with them: a name, an id and a number, these perhaps as text.
TAGS_OF_TODO = RowType(Tag, name=0, id=ConvertedColumn(1, str), todo_count=ConvertedColumn(2, int))


@strawberry.type(name="TagConnection", description="A page of tags.")
class TagConnection(Connection[Tag]):
    """Tags, most used first."""

    count: strawberry.Private[Any]

    @strawberry.field(
        description="All tags that the search matches, whatever the page.",
        metadata={COST_WEIGHT: FEW_ROWS},
    )
    async def total_count(self, info: Info) -> int:
        return int(await self.count(info.context))
