"""Saved views as the schema shows them."""

from functools import partial
from typing import Any

import orjson
import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from todo_gql.api.connections import PageArguments, count_rows
from todo_gql.api.cost_weights import MAX_BYTES
from todo_gql.api.errors import RateLimited, UserError
from todo_gql.api.node import Node
from todo_gql.api.page_arguments import After, Before, First, Last
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import Values
from todo_gql.features.todos.access import todo_ranges
from todo_gql.features.todos.days import clock_of_filter
from todo_gql.features.todos.due_pages import split_by_due
from todo_gql.features.todos.filters import filtered_todos
from todo_gql.features.todos.todo_pages import todo_page
from todo_gql.features.todos.types import TodoConnection
from todo_gql.features.views.loaders import Named, named_things
from todo_gql.features.views.stored_inputs import ReadInputs, price_of, read_inputs, references
from todo_gql.operation.context import Info
from todo_gql.operation.lookahead import selected_fields
from todo_gql.security.sliding_window import COST

MAX_FILTER_BYTES = 16 * 1024
MAX_SORT_BYTES = 1024
# As for a page of todos: what a filter matches is read once for the page, and twice for a count.
COUNT_QUERIES = 2


@strawberry.type(
    description="A filter and order of todos under a name; relative days stay relative."
)
class SavedView(Node):
    """A row of saved_views."""

    name: str = strawberry.field(description="1 to 120 characters, trimmed.")
    position: str = strawberry.field(description="Sorts the viewer's views by code points.")
    filter: JSON = strawberry.field(
        description="The TodoFilter, as JSON.", metadata={MAX_BYTES: MAX_FILTER_BYTES}
    )
    sort: JSON | None = strawberry.field(
        description="The list of TodoSort, as JSON; null for newest first.",
        metadata={MAX_BYTES: MAX_SORT_BYTES},
    )
    version: int = strawberry.field(
        description="Raised by one with every change; pass it as `expectedVersion` to detect a lost "
        "update."
    )

    @classmethod
    def from_row(cls, row: Values) -> "SavedView":
        """The view in a row."""
        sort = row["todo_sort"]
        return cls(
            id=strawberry.ID(str(row["id"])),
            name=row["name"],
            position=row["position"],
            filter=orjson.loads(row["todo_filter"]),
            sort=None if sort is None else orjson.loads(sort),
            version=row["version"],
        )

    def read(self, info: Info) -> ReadInputs | None:
        """What the view asks for; None where this release can't read it."""
        return read_inputs(self.filter, self.sort, info)

    @strawberry.field(
        description="False where its filter can't be read any more, so that `todos` is empty, or names "
        "a list, section or parent that is gone, or an assignee who shares no list with the viewer any "
        "more. Save it again without."
    )
    async def is_valid(self, info: Info) -> bool:
        if self.read(info) is None:
            return False
        names = [Named(one.field, one.id) for one in references(self.filter) if one.id]
        return all(await info.context.loader(named_things).load_all(names))

    @strawberry.field(
        description="The todos that it shows now, by the viewer's days of today. They are charged as "
        "`todos` with its filter and order are. `first` and `last`: 1 to 100, 50 if neither is given.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def todos(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> TodoConnection:
        context, read = info.context, self.read(info)
        viewer, arguments = context.signed_in(), PageArguments.of(first, after, last, before)
        split = None
        if read is None:
            inputs = read_inputs({}, None, info)
            assert inputs is not None
            statement, keyset = todo_ranges(viewer).where("FALSE"), inputs.keyset
        else:
            self._charge(info, arguments)
            clock = await clock_of_filter(viewer, read.todo_filter, context.now)
            statement, keyset = filtered_todos(viewer, read.todo_filter, clock), read.keyset
            split = split_by_due(viewer, read.todo_filter, clock, keyset)
        page = await todo_page(info, statement, keyset, arguments, split=split)
        return TodoConnection.of(page, context.now, partial(_count, statement))

    def _charge(self, info: Info, arguments: PageArguments) -> None:
        """Charge for the filter, which the document doesn't show; `RateLimited` if nothing is left."""
        selected = selected_fields(info)
        queries = 1 + (COUNT_QUERIES if "totalCount" in selected else 0)
        queries += (arguments.after or arguments.before) is not None and "pageInfo" in selected
        price = queries * price_of(self.filter, self.sort, info)
        quota = info.context.limits.take(info.context.signed_in().caller, COST, price)
        if quota and quota.wait:
            raise RateLimited(quota.wait)


def _count(statement: Any, _context: Any) -> Any:
    return count_rows(statement)


@strawberry.type(description="What became of a saved view.")
class SavedViewPayload:
    """The answer of a mutation of one saved view."""

    view: SavedView | None = strawberry.field(
        description="The view as it is now; null if there is none.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
