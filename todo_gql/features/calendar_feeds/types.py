"""Calendar feeds as the schema shows them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.api.node import Node
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Values
from todo_gql.features.calendar_feeds.reading import list_ids_of
from todo_gql.features.todos.list_loaders import lists_by_id
from todo_gql.features.todos.types import TodoList
from todo_gql.operation.context import Info


@strawberry.type(
    description="A secret address at which calendar programs read todos that are due, of 90 days ago to two "
    "years ahead, the 5,000 nearest ones at most. Whoever has the address can read it."
)
class CalendarFeed(Node):
    """A row of calendar_feeds."""

    label: str | None = strawberry.field(description="What it is for, as its owner named it.")
    as_events: bool = strawberry.field(
        description="Whether todos are events (VEVENT), which all calendars show, or tasks (VTODO)."
    )
    url: str | None = strawberry.field(
        description="Its address: in the answer of `calendarFeedCreate`, and null ever after."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    last_read_at: datetime | None = strawberry.field(
        description="When a program last read it, exact to the minute."
    )
    list_keys: strawberry.Private[Sequence[UUID] | None]

    @classmethod
    def from_row(cls, row: Values, url: str | None = None) -> "CalendarFeed":
        """The feed in a row."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            label=row["label"],
            as_events=row["as_events"],
            url=url,
            created_at=row["created_at"],
            last_read_at=row["last_read_at"],
            list_keys=list_ids_of(row["list_ids"]),
        )

    @strawberry.field(
        description="The lists whose todos it shows, without those that are gone; null if it shows all of its "
        "owner's own todos, those in the inbox too. A list that its owner leaves is out of it for good.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def lists(self, info: Info) -> list[TodoList] | None:
        if self.list_keys is None:
            return None
        rows = await info.context.loader(lists_by_id).load_all(self.list_keys)
        return [TodoList.from_row(row) for row in rows if row and row["deleted_at"] is None]


@strawberry.type(description="What became of a calendar feed.")
class CalendarFeedPayload:
    """The answer of `calendarFeedCreate`."""

    feed: CalendarFeed | None = strawberry.field(
        description="The feed, with its address; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
