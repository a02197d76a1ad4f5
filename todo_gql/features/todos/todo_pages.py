"""Pages of todos: their arguments, and which columns they read."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from todo_gql.api.connections import Page, PageArguments, fetch_page
from todo_gql.api.cost_weights import COST_WEIGHT, FILTER, MORE_SORT_KEYS
from todo_gql.api.keyset import Keyset
from todo_gql.api.scalars import json_fragment
from todo_gql.api.split_pages import SplitList, fetch_split_page
from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.columns import (
    MEMBER_TAG_ROWS,
    TAG_NAME_ROWS,
    TAG_ROWS,
    TodoSelection,
    needs_names_only,
    todo_columns,
)
from todo_gql.features.todos.inputs import TodoFilter, TodoSort
from todo_gql.operation.context import Info
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.operation.lookahead import (
    selected_fields,
    selected_in_operation,
    selected_on_fields_named,
)
from todo_gql.security.access import Columns

Filter = Annotated[
    TodoFilter | None,
    strawberry.argument(
        description="Which todos; all outside the trash if absent.", metadata={COST_WEIGHT: FILTER}
    ),
]

Sort = Annotated[
    list[TodoSort] | None,
    strawberry.argument(
        description="At most 5 keys, the most important first.",
        metadata={COST_WEIGHT: MORE_SORT_KEYS},
    ),
]


def select_todos(info: Info) -> str:
    """Load only what the operation selects of todos; returns the SQL for their tags.

    Tags are loaded with the todos if they are selected below this field.
    """
    context = info.context.loaders.context
    names_only = needs_names_only(selected_on_fields_named(info, "tags"))
    all_rows = MEMBER_TAG_ROWS if context.viewer.is_member else TAG_ROWS
    tags = TAG_NAME_ROWS if names_only else all_rows
    has_tags = context.selection(TodoSelection).tags or "tags" in selected_fields(info)
    columns = todo_columns(selected_in_operation(info))
    context.select(TodoSelection(columns, tags if has_tags else None))
    return tags


def page_columns(info: Info) -> Columns:
    """The columns of todos `t` that the operation needs of a page, their tags if they are selected."""
    columns = todo_columns(selected_in_operation(info))
    return (*columns, select_todos(info)) if "tags" in selected_fields(info) else columns


async def todo_page(
    info: Info,
    statement: SelectQuery,
    keyset: Keyset,
    arguments: PageArguments,
    *,
    further_columns: Sequence[str] = (),
    split: SplitList | None = None,
) -> Page:
    """The page of todos `t` that the arguments select, with the columns that the operation needs.

    It is read from the two parts of the list if it is split. Raises `BadUserInput` for invalid arguments or
    cursors.
    """
    columns = (*page_columns(info), *further_columns)
    if split is None:
        page = await fetch_page(statement, columns, keyset, arguments)
    else:
        page = await fetch_split_page(split, statement, columns, keyset, arguments)
    return page._replace(rows=await parse_json_column(page.rows, "metadata", json_fragment))
