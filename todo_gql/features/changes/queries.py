"""Reading the viewer's feed: changes of todos alone, or all that happened."""

import strawberry
from strawberry import UNSET

from todo_gql.api.connections import PageArguments
from todo_gql.api.page_arguments import After, FirstOrDefault
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.changelog.cursors import cursor_of
from todo_gql.features.changes.list_filter import ListIdArgument, parsed_list_id
from todo_gql.features.changes.loaders import log_ends
from todo_gql.features.changes.pages import change_page, feed_page
from todo_gql.features.todos.types import ChangeConnection, FeedConnection
from todo_gql.operation.context import Info


@strawberry.type
class ChangeQuery:
    """The query fields of the feed."""

    @strawberry.field(
        description="Every change to the viewer's todos after the cursor, oldest first; without "
        "a cursor, from the oldest kept.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def changes(
        self,
        info: Info,
        after: After = UNSET,
        first: FirstOrDefault = UNSET,
    ) -> ChangeConnection:
        viewer = info.context.signed_in()
        arguments = PageArguments.of(first, after)
        return await change_page(viewer, arguments)

    @strawberry.field(
        description="Everything that the viewer can see and that happened, oldest first, in the same numbers "
        "as `changes`: of todos, of lists, of their members and comments. Without a cursor, from the oldest "
        "stored entry.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def feed(
        self,
        info: Info,
        after: After = UNSET,
        first: FirstOrDefault = UNSET,
        list_id: ListIdArgument = UNSET,
    ) -> FeedConnection:
        viewer = info.context.signed_in()
        arguments = PageArguments.of(first, after)
        return await feed_page(viewer, arguments, parsed_list_id(list_id))

    @strawberry.field(
        description="The newest position in the viewer's feed; take it before loading a list, "
        "then go on after it, and nothing is missed.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def change_cursor(self, info: Info) -> str:
        viewer = info.context.signed_in()
        end = await info.context.loader(log_ends).load_one(viewer.id)
        return cursor_of(viewer.id, end["seq"], end["change_id"])
