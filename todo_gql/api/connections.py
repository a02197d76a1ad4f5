"""Connections of the Relay cursor connections specification, paged by keyset.

https://relay.dev/graphql/connections.htm
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import strawberry

from todo_gql.api.errors import BadUserInput
from todo_gql.api.keyset import Keyset
from todo_gql.database.connection import Row, fetch
from todo_gql.database.select import SelectQuery

MAX_PAGE = 100


class PageArguments(NamedTuple):
    """The arguments `first`, `after`, `last` and `before` of a connection, unchecked."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @classmethod
    def of(cls, first: Any, after: Any, last: Any = None, before: Any = None) -> "PageArguments":
        """The arguments as Strawberry passes them to resolvers, UNSET if absent."""
        arguments = (first, after, last, before)
        return cls(*(None if value is strawberry.UNSET else value for value in arguments))

    def size(self, default: int) -> int:
        """The number of items to fetch, 1 to 100.

        Raises `BadUserInput` for a size out of range, `first` with `last`, and `before` without `last`.
        """
        if self.first is not None and self.last is not None:
            raise BadUserInput("Pass either first or last, not both.")
        if self.first is None and self.last is None and self.before is not None:
            raise BadUserInput("Pass last together with before.")
        size = self.last if self.last is not None else self.first
        if size is None:
            return default
        if not 1 <= size <= MAX_PAGE:
            raise BadUserInput(f"Ask for 1 to {MAX_PAGE} items, not {size}.")
        return size

    def check(self, keyset: Keyset) -> None:
        """Raise `BadUserInput` for arguments that no page of this order can have.

        For pages that are loaded together: a wrong one must not fail the others of its batch.
        """
        self.size(MAX_PAGE)
        for cursor in (self.after, self.before):
            if cursor is not None:
                keyset.values(cursor)

    @property
    def backwards(self) -> bool:
        """Whether `last` is set: the page is the end of the list, or of what precedes `before`."""
        return self.last is not None


class ParentPage(NamedTuple):
    """The key of a page of what belongs to a parent."""

    parent_id: UUID
    arguments: PageArguments

    @classmethod
    def of(cls, parent_id: UUID, arguments: PageArguments, keyset: Keyset) -> "ParentPage":
        """The key of a page in this order; `BadUserInput` for invalid arguments or cursors."""
        arguments.check(keyset)
        return cls(parent_id, arguments)


class Page(NamedTuple):
    """The rows of one page in the list's order, and whether the list has rows before and after them.

    `has_previous` and `has_next` are functions where that costs a query, which is then run only if
    the client selects the field.
    """

    rows: Sequence[Any]
    keyset: Keyset
    has_previous: bool | Callable[[], Awaitable[bool]]
    has_next: bool | Callable[[], Awaitable[bool]]


class PageQuery:
    """The query for one page of a statement's rows, `default` items by default.

    Raises `BadUserInput` for invalid arguments or cursors.
    """

    def __init__(
        self,
        statement: SelectQuery,
        columns: Sequence[str],
        keyset: Keyset,
        arguments: PageArguments,
        default: int = 50,
    ) -> None:
        self.size = arguments.size(default)
        self.backwards = arguments.backwards
        self.keyset = keyset
        self.columns = (*columns, *keyset.extra_columns)
        after, before = arguments.after, arguments.before
        self.after = keyset.values(after) if after is not None else None
        self.before = keyset.values(before) if before is not None else None
        self.order = keyset.backwards if self.backwards else keyset.forwards
        is_whole = self.after is None and self.before is None
        self.narrowed = statement if is_whole else statement.copy()
        if self.after is not None:
            self.narrowed.where(keyset.seek_condition(self.narrowed, self.after, backwards=False))
        if self.before is not None:
            self.narrowed.where(keyset.seek_condition(self.narrowed, self.before, backwards=True))

    def select(self, *further_columns: str) -> str:
        """The SQL for the rows of the page, and one more if there is one."""
        return self.narrowed.select((*self.columns, *further_columns), self.order, self.size + 1)

    def page(self, rows: list[Row], statement: SelectQuery) -> Page:
        """The page in the rows, as selected from the whole list that the statement selects."""
        more, after, before = len(rows) > self.size, self.after, self.before
        rows = rows[: self.size]
        if self.backwards:
            rows.reverse()
        if after is None and before is None:
            return Page(rows, self.keyset, more and self.backwards, more and not self.backwards)

        async def exists(edge: list[object], *, towards_start: bool) -> bool:
            around = statement.copy()
            around.where(
                self.keyset.seek_condition(around, edge, backwards=towards_start, inclusive=True)
            )
            text = around.select(["1"], limit=1)
            return bool(await fetch(text, *around.values, custom_plan=around.custom_plan))

        has_previous: bool | Callable[[], Awaitable[bool]] = more and self.backwards
        has_next: bool | Callable[[], Awaitable[bool]] = more and not self.backwards
        if after is not None and not has_previous:
            has_previous = partial(exists, after, towards_start=True)
        if before is not None and not has_next:
            has_next = partial(exists, before, towards_start=False)
        return Page(rows, self.keyset, has_previous, has_next)


async def fetch_page(
    statement: SelectQuery,
    columns: Sequence[str],
    keyset: Keyset,
    arguments: PageArguments,
    default: int = 50,
) -> Page:
    """Fetch the page of a query's rows that the arguments select, `default` items by default.

    Raises `BadUserInput` for invalid arguments or cursors.
    """
    query = PageQuery(statement, columns, keyset, arguments, default)
    narrowed = query.narrowed
    rows = await fetch(query.select(), *narrowed.values, custom_plan=narrowed.custom_plan)
    return query.page(rows, statement)


async def fetch_pages(
    statement: SelectQuery,
    parent: str,
    ids: Sequence[UUID],
    columns: Sequence[str],
    keyset: Keyset,
    arguments: PageArguments,
) -> list[Page]:
    """Fetch a page for each parent with one statement, as `fetch_page` for a single one.

    `parent` is an SQL expression for the id of a row's parent.
    """
    if len(ids) == 1:
        statement = of_parent(statement, parent, ids[0])
        return [await fetch_page(statement, columns, keyset, arguments)]
    batch = statement.copy().where(f"{parent} = k.id")
    query = PageQuery(batch, columns, keyset, arguments)
    narrowed = query.narrowed
    page = query.select(f"row_number() OVER (ORDER BY {query.order}) AS place")
    text = (
        f"SELECT k.number, p.* FROM unnest({narrowed.bind(list(ids))}::uuid[])"
        f" WITH ORDINALITY AS k (id, number) CROSS JOIN LATERAL ({page}) p"
        " ORDER BY k.number, p.place"
    )
    rows: list[list[Row]] = [[] for _ in ids]
    for row in await fetch(text, *narrowed.values, custom_plan=narrowed.custom_plan):
        rows[row["number"] - 1].append(row)
    return [
        query.page(own, of_parent(statement, parent, id)) for own, id in zip(rows, ids, strict=True)
    ]


async def fetch_parent_pages(
    statement: SelectQuery,
    parent: str,
    keys: Sequence[ParentPage],
    columns: Sequence[str],
    keyset: Keyset,
) -> list[Page]:
    """Fetch the page of each key, those with the same arguments by one statement as `fetch_pages`."""
    ids = defaultdict[PageArguments, list[UUID]](list)
    for key in keys:
        ids[key.arguments].append(key.parent_id)
    pages: dict[ParentPage, Page] = {}
    for arguments, parent_ids in ids.items():
        loaded = await fetch_pages(statement, parent, parent_ids, columns, keyset, arguments)
        pages |= {
            ParentPage(id, arguments): page for id, page in zip(parent_ids, loaded, strict=True)
        }
    return [pages[key] for key in keys]


def of_parent(statement: SelectQuery, parent: str, id: UUID) -> SelectQuery:
    """Those rows of a query that one parent has."""
    own = statement.copy()
    return own.where(f"{parent} = {own.bind(id)}")


async def count_rows(statement: SelectQuery) -> int:
    """The number of rows of a query, whatever the page."""
    text = statement.select(["count(*)"])
    [row] = await fetch(text, *statement.values, custom_plan=statement.custom_plan)
    return int(row["count"])


NodeType = TypeVar("NodeType")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's PageInfo."""

    page: strawberry.Private[Page]

    def _has_next(self) -> Any:
        has_next = self.page.has_next
        return has_next if isinstance(has_next, bool) else has_next()

    def _has_previous(self) -> Any:
        has_previous = self.page.has_previous
        return has_previous if isinstance(has_previous, bool) else has_previous()

    has_next_page: bool = strawberry.field(
        resolver=_has_next, graphql_type=bool, description="Whether items follow this page."
    )
    has_previous_page: bool = strawberry.field(
        resolver=_has_previous, graphql_type=bool, description="Whether items precede this page."
    )

    @strawberry.field(description="The cursor of the page's first item.")
    def start_cursor(self) -> str | None:
        rows = self.page.rows
        return self.page.keyset.cursor(rows[0]) if rows else None

    @strawberry.field(description="The cursor of the page's last item.")
    def end_cursor(self) -> str | None:
        rows = self.page.rows
        return self.page.keyset.cursor(rows[-1]) if rows else None


@strawberry.type(description="An item of a list, and its place there.")
class Edge(Generic[NodeType]):
    """Relay's Edge."""

    cursor: str = strawberry.field(description="Pass it as `after` or `before` to go on from here.")
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type
class Connection(Generic[NodeType]):
    """Relay's Connection over a page of rows."""

    page: strawberry.Private[Page]
    nodes: Sequence[NodeType] = strawberry.field(description="The items of this page.")

    @strawberry.field(description="The items of this page with their cursors.")
    def edges(self) -> list[Edge[NodeType]]:
        cursors = map(self.page.keyset.cursor, self.page.rows)
        return [
            Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, self.nodes, strict=True)
        ]

    @strawberry.field(description="Where this page stands in the list.")
    def page_info(self) -> PageInfo:
        return PageInfo(page=self.page)
