"""Reading lists."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.connections import PageArguments, count_rows, fetch_page
from todo_gql.api.keyset import Keyset, SortKey, parse_text, parse_uuid
from todo_gql.api.page_arguments import After, Before, First, Last
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.features.todos.list_access import (
    POSITION_OF_MEMBER,
    list_columns,
    list_ranges,
    trashed_lists,
)
from todo_gql.features.todos.types import LISTS, TodoListConnection
from todo_gql.operation.context import Info
from todo_gql.security.authentication import Viewer

LISTS_BY_POSITION = Keyset(
    SortKey("list position", "l.position", "position", parse_text, bound="{}::text")
)

# Where two of a person's lists have the same position, since one of them is another one's.
LISTS_OF_MEMBER = Keyset(
    SortKey("position", POSITION_OF_MEMBER, "position", parse_text, bound="{}::text"),
    SortKey("id", "l.id", "id", parse_uuid),
)


def _selected(viewer: Viewer, is_archived: bool | None, is_deleted: bool | None) -> SelectQuery:
    """The lists to show: those in use, or as asked for; of the trash archived ones, too."""
    statement = trashed_lists(viewer) if is_deleted else list_ranges(viewer)
    if is_archived is None and not is_deleted:
        is_archived = False
    if is_archived is not None:
        statement.where(f"l.archived_at IS {'NOT ' if is_archived else ''}NULL")
    return statement


@strawberry.type
class ListQuery:
    """The query fields of lists."""

    @strawberry.field(
        description="The viewer's lists in their order. `first` and `last`: 1 to 100, 50 if neither is "
        "given.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def lists(
        self,
        info: Info,
        is_archived: Annotated[
            bool | None,
            strawberry.argument(
                description="True: only archived ones. False: none of them. If absent, none either, but "
                "of the trash all."
            ),
        ] = UNSET,
        is_deleted: Annotated[
            bool | None,
            strawberry.argument(
                description="True: only the trash. False or absent: all but the trash."
            ),
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> TodoListConnection:
        viewer = info.context.signed_in()
        statement = _selected(viewer, unset_to_none(is_archived), unset_to_none(is_deleted))
        arguments = PageArguments.of(first, after, last, before)
        keyset = LISTS_OF_MEMBER if viewer.is_member else LISTS_BY_POSITION
        page = await fetch_page(statement, list_columns(viewer), keyset, arguments)
        nodes = LISTS.objects(page.rows)
        return TodoListConnection(page=page, nodes=nodes, count=lambda _: count_rows(statement))
