"""Pages of a list in two parts, each of which an index has in its order."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from todo_gql.api.connections import Page, PageArguments, PageQuery
from todo_gql.api.keyset import Keyset
from todo_gql.database.connection import fetch
from todo_gql.database.select import SelectQuery

Narrow: TypeAlias = Callable[[SelectQuery], Keyset]
"""Narrows a query of a list to a part, and returns the part's order, by the last keys of the list's."""

# The second part isn't read where the first fills the page.
BOTH = """
WITH first AS MATERIALIZED ({first})
SELECT * FROM first
UNION ALL
SELECT * FROM (SELECT * FROM ({second}) s LIMIT {limit} - (SELECT count(*) FROM first)) rest
ORDER BY place
"""


class SplitList(NamedTuple):
    """A list whose first part comes before its second.

    `whole` selects what both are parts of, and `is_in_second` says of a row's sort values where it is.
    """

    whole: SelectQuery
    first: Narrow
    second: Narrow
    is_in_second: Callable[[Sequence[object]], bool]


async def fetch_split_page(
    split: SplitList,
    statement: SelectQuery,
    columns: Sequence[str],
    keyset: Keyset,
    arguments: PageArguments,
) -> Page:
    """The same page as `fetch_page` of a list that a statement selects, read from its two parts.

    Raises `BadUserInput` for invalid arguments or cursors.
    """
    query = PageQuery(statement, columns, keyset, arguments)
    shared = split.whole.copy()
    parts = [
        _narrowed(query, split, shared.beside(), number) for number in _parts_of_page(query, split)
    ]
    if not parts:
        return query.page([], statement)
    if query.backwards:
        parts.reverse()
    custom_plan = any(part.custom_plan for part, _ in parts)
    rows = await fetch(_text(query, parts), *shared.values, custom_plan=custom_plan)
    return query.page(rows, statement)


def _parts_of_page(query: PageQuery, split: SplitList) -> range:
    """The numbers of the parts that have rows between the cursors of a page."""
    first = split.is_in_second(query.after) if query.after is not None else 0
    last = split.is_in_second(query.before) if query.before is not None else 1
    return range(first, last + 1)


def _narrowed(
    query: PageQuery, split: SplitList, statement: SelectQuery, number: int
) -> tuple[SelectQuery, str]:
    """The query for a part between the cursors of a page, and its order."""
    keyset = (split.first, split.second)[number](statement)
    for edge, backwards in ((query.after, False), (query.before, True)):
        if edge is not None and split.is_in_second(edge) == number:
            values = edge[-len(keyset.keys) :]
            statement.where(keyset.seek_condition(statement, values, backwards=backwards))
    return statement, keyset.backwards if query.backwards else keyset.forwards


def _text(query: PageQuery, parts: Sequence[tuple[SelectQuery, str]]) -> str:
    limit = query.size + 1
    if len(parts) == 1:
        [(statement, order)] = parts
        return statement.select(query.columns, order, limit)
    first, second = (
        statement.select(
            (*query.columns, f"{number * limit} + row_number() OVER (ORDER BY {order}) AS place"),
            order,
            limit,
        )
        for number, (statement, order) in enumerate(parts)
    )
    return BOTH.format(first=first, second=second, limit=limit)
