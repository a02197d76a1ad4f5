"""Reading facets."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.cost_weights import COST_WEIGHT, COUNTS_ALL, FACETS
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.facets.counted import counted
from todo_gql.features.facets.counters import stored_facets
from todo_gql.features.facets.types import TodoFacets
from todo_gql.features.todos.days import clock_of_filter
from todo_gql.features.todos.filters import filtered_todos, is_plain
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.operation.clock import filter_clock
from todo_gql.operation.context import Info
from todo_gql.operation.lookahead import selected_fields

Filter = Annotated[
    TodoFilter | None,
    strawberry.argument(
        description="Which todos; all outside the trash if absent.", metadata={COST_WEIGHT: FACETS}
    ),
]


@strawberry.type
class FacetQuery:
    """The query field of facets."""

    @strawberry.field(
        description="How many todos have each value.",
        metadata={COUNTS_ALL: True} | scoped(TokenScope.TODOS_READ),
    )
    async def facets(self, info: Info, filter: Filter = UNSET) -> TodoFacets:
        context, todo_filter = info.context, unset_to_none(filter)
        viewer, selected = context.signed_in(), selected_fields(info)
        if is_plain(todo_filter):
            return TodoFacets(counts=await stored_facets(context, selected))
        has_days = "due" in selected
        clock = await (
            filter_clock(viewer, context.now)
            if has_days
            else clock_of_filter(viewer, todo_filter, context.now)
        )
        statement = filtered_todos(viewer, todo_filter, clock)
        return TodoFacets(counts=await counted(statement, clock, selected))
