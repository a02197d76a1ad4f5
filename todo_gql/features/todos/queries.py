"""Reading todos, their stats and tags."""

from collections.abc import Awaitable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.connections import Page, PageArguments, count_rows, fetch_page
from todo_gql.api.cost_weights import COST_WEIGHT, COUNTS_ALL, FEW_ROWS
from todo_gql.api.errors import BadUserInput
from todo_gql.api.folding import FINAL_SIGMA, SIGMA
from todo_gql.api.keyset import Keyset, SortKey, parse_number, parse_text, parse_uuid
from todo_gql.api.node import parse_id
from todo_gql.api.page_arguments import After, Before, First, Last
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import fetch
from todo_gql.database.select import SelectQuery
from todo_gql.features.stats.overdue import first_today
from todo_gql.features.stats.types import (
    TodoStats,
    count_columns,
    prefetch_counts,
    stored_counts,
    total_of,
)
from todo_gql.features.todos.access import SHARED_TAG_COUNT, tag_columns, visible_tags
from todo_gql.features.todos.best_match import in_best_order
from todo_gql.features.todos.days import clock_of_filter
from todo_gql.features.todos.due_pages import split_by_due
from todo_gql.features.todos.filters import (
    filtered_todos,
    is_plain,
    listed_todos,
    read_search,
    searched_text,
)
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.loaders import todos_by_id
from todo_gql.features.todos.recurrence_types import Occurrence, RecurrenceInput
from todo_gql.features.todos.sorting import todo_keyset
from todo_gql.features.todos.tag_names import MAX_LENGTH, stored_forms
from todo_gql.features.todos.tag_types import Tag, TagConnection
from todo_gql.features.todos.todo_pages import Filter, Sort, select_todos, todo_page
from todo_gql.features.todos.types import Todo, TodoConnection
from todo_gql.features.todos.upcoming import UPCOMING_PAGE, previewed
from todo_gql.operation.clock import viewer_clock
from todo_gql.operation.context import Context, Info
from todo_gql.operation.lookahead import selected_fields
from todo_gql.security.access import IN_LIST_OF_OTHERS, SHARED_LISTS
from todo_gql.security.authentication import Viewer

TAGS_PAGE = 20
TAGS_BY_USE = Keyset(
    SortKey("use", "-g.todo_count", "use", parse_number, extra="-g.todo_count", bound="{}::bigint"),
    SortKey("name", "g.name", "name", parse_text),
    SortKey("id", "g.id", "id", parse_uuid),
)
TAGS_OF_MEMBER = Keyset(
    SortKey(
        "use",
        f"-{SHARED_TAG_COUNT}",
        "use",
        parse_number,
        extra=f"-{SHARED_TAG_COUNT}",
        bound="{}::bigint",
    ),
    *TAGS_BY_USE.keys[1:],
)

# `$1` is the owner, by whom every statement begins.
STORED_TOTAL = (
    "(SELECT f.pending_count + f.in_progress_count + f.completed_count + f.cancelled_count"
    " FROM feeds f WHERE f.owner_id = $1) AS total"
)
STORED_TOTAL_OF_MEMBER = STORED_TOTAL.replace(
    " AS total",
    " + (SELECT coalesce(sum(ml.pending_count + ml.in_progress_count + ml.completed_count"
    f" + ml.cancelled_count), 0) FROM {SHARED_LISTS} WHERE {IN_LIST_OF_OTHERS}) AS total",
)


def _searched_tags(viewer: Viewer, search: str | None) -> SelectQuery:
    statement = visible_tags(viewer)
    text = read_search(search, longest=MAX_LENGTH) if search else ""
    if not text:
        return statement
    # In the midst of a word Greek has another sigma than at its end, where the text may end.
    forms = sorted({form.replace(FINAL_SIGMA, SIGMA) for form in stored_forms(text)})
    return statement.where(
        f"EXISTS (SELECT FROM unnest({statement.bind(forms)}::text[]) AS w"
        f" WHERE strpos(translate(g.name, '{FINAL_SIGMA}', '{SIGMA}'), w) > 0)"
    )


def _stored_total(page: Page, context: Context) -> int | Awaitable[int]:
    if page.rows and "total" in page.rows[0]:
        return int(page.rows[0]["total"])
    return _read_total(context)


async def _read_total(context: Context) -> int:
    return total_of(await stored_counts(context))


async def _counted_stats(
    viewer: Viewer, todo_filter: TodoFilter | None, now: datetime
) -> TodoStats:
    statement = filtered_todos(viewer, todo_filter, await clock_of_filter(viewer, todo_filter, now))
    columns = count_columns(statement.bind(now), f"{statement.bind(first_today(now))}::date")
    text = statement.select(columns)
    [row] = await fetch(text, *statement.values, custom_plan=statement.custom_plan)
    return TodoStats.from_counted(row, now)


@strawberry.type
class TodoQuery:
    """The query fields of todos and tags."""

    @strawberry.field(
        description="One todo of the viewer's; null if there is none or in the trash.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def todo(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The todo's id.")],
    ) -> Todo | None:
        context, todo_id = info.context, parse_id(id)
        select_todos(info)
        row = await context.loader(todos_by_id).load_one(todo_id) if todo_id else None
        return Todo.from_row(row, context.now) if row and not row["deleted_at"] else None

    @strawberry.field(
        description="The viewer's todos. `first` and `last`: 1 to 100, 50 if neither is given; "
        "newest first unless sorted, and what `filter.search` finds best match first.",
        metadata=scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def todos(
        self,
        info: Info,
        filter: Filter = UNSET,
        sort: Sort = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> TodoConnection:
        context, todo_filter = info.context, unset_to_none(filter)
        viewer = context.signed_in()
        # The total is that of all of the viewer's todos.
        has_stored_total = is_plain(todo_filter) and viewer.bound_list_ids is None
        clock = await clock_of_filter(viewer, todo_filter, context.now)
        statement = filtered_todos(viewer, todo_filter, clock)
        arguments = PageArguments.of(first, after, last, before)
        keyset, ordered = todo_keyset(unset_to_none(sort)), statement
        if not unset_to_none(sort) and (text := searched_text(todo_filter)):
            listed = listed_todos(viewer, todo_filter)
            ordered, keyset, statement = await in_best_order(statement, text, arguments, listed)
        has_total = has_stored_total and "totalCount" in selected_fields(info)
        stored_total = STORED_TOTAL_OF_MEMBER if viewer.is_member else STORED_TOTAL
        further = (stored_total,) if has_total else ()
        split = split_by_due(viewer, todo_filter, clock, keyset)
        page = await todo_page(
            info, ordered, keyset, arguments, further_columns=further, split=split
        )
        count = (
            partial(_stored_total, page) if has_stored_total else lambda _: count_rows(statement)
        )
        return TodoConnection.of(page, context.now, count)

    @strawberry.field(
        description="When a todo with this recurrence and due date would be due: first on its first due "
        "date, which is the first day of the rule on or after the one that is sent, or else on or after "
        "today. 1 to 100, 5 if no number is given. A rule that can't be stored is BAD_USER_INPUT.",
        metadata={"default_page": UPCOMING_PAGE} | scoped(TokenScope.TODOS_READ, lists=True),
    )
    async def recurrence_preview(
        self,
        info: Info,
        input: Annotated[RecurrenceInput, strawberry.argument(description="How it would repeat.")],
        due_date: Annotated[
            date | None, strawberry.argument(description="The day on which it would be due.")
        ] = UNSET,
        due_at: Annotated[
            datetime | None,
            strawberry.argument(
                description="The moment at which it would be due, in place of a day."
            ),
        ] = UNSET,
        first: First = UNSET,
    ) -> Sequence[Occurrence]:
        size = PageArguments.of(first, None).size(UPCOMING_PAGE)
        day, moment = unset_to_none(due_date), unset_to_none(due_at)
        if day and moment:
            raise BadUserInput("Pass either dueDate or dueAt, not both.")
        clock = await viewer_clock(info.context.signed_in(), info.context.now)
        return await previewed(input, moment or day, clock, size)

    @strawberry.field(
        description="How many todos there are of each kind.",
        metadata={COUNTS_ALL: True} | scoped(TokenScope.TODOS_READ),
    )
    async def stats(self, info: Info, filter: Filter = UNSET) -> TodoStats:
        context, todo_filter = info.context, unset_to_none(filter)
        viewer = context.signed_in()
        if is_plain(todo_filter):
            prefetch_counts(info)
            return TodoStats.from_counts(await stored_counts(context))
        return await _counted_stats(viewer, todo_filter, context.now)

    @strawberry.field(
        description="The viewer's tags, most used first; 20 if no size is given.",
        metadata={"default_page": TAGS_PAGE} | scoped(TokenScope.TODOS_READ),
    )
    async def tags(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Case-insensitive substring of the name.",
                metadata={COST_WEIGHT: FEW_ROWS},
            ),
        ] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> TagConnection:
        viewer = info.context.signed_in()
        statement = _searched_tags(viewer, unset_to_none(search))
        arguments = PageArguments.of(first, after, last, before)
        keyset = TAGS_OF_MEMBER if viewer.is_member else TAGS_BY_USE
        page = await fetch_page(statement, tag_columns(viewer), keyset, arguments, TAGS_PAGE)
        nodes = Tag.from_rows(page.rows)
        return TagConnection(page=page, nodes=nodes, count=lambda _: count_rows(statement))
