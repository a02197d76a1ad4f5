"""Pages of a list in parts, each of which an index has in its order."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from todo_gql.api.connections import Page, PageArguments, PageQuery
from todo_gql.api.keyset import Keyset
from todo_gql.database.connection import fetch
from todo_gql.database.select import SelectQuery

Narrow: TypeAlias = Callable[[SelectQuery], Keyset]
"""Narrows a query of a list to a part, and returns the part's order, by the last keys of the list's."""


class SplitList(NamedTuple):
    """A list in parts, in their order.

    `whole` selects what all are parts of, and `part_of` says of a row's sort values in which part it is.
    """

    whole: SelectQuery
    parts: Sequence[Narrow]
    part_of: Callable[[Sequence[Any]], int]


async def fetch_split_page(
    split: SplitList,
    statement: SelectQuery,
    columns: Sequence[str],
    keyset: Keyset,
    arguments: PageArguments,
) -> Page:
    """The same page as `fetch_page` of a list that a statement selects, read from its parts.

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
    first = split.part_of(query.after) if query.after is not None else 0
    last = split.part_of(query.before) if query.before is not None else len(split.parts) - 1
    return range(first, last + 1)


def _narrowed(
    query: PageQuery, split: SplitList, statement: SelectQuery, number: int
) -> tuple[SelectQuery, str]:
    """The query for a part between the cursors of a page, and its order."""
    keyset = split.parts[number](statement)
    for edge, backwards in ((query.after, False), (query.before, True)):
        if edge is not None and split.part_of(edge) == number:
            values = edge[-len(keyset.keys) :]
            statement.where(keyset.seek_condition(statement, values, backwards=backwards))
    return statement, keyset.backwards if query.backwards else keyset.forwards


def _text(query: PageQuery, parts: Sequence[tuple[SelectQuery, str]]) -> str:
    """The SQL for the page: no part is read where those before it fill the page."""
    limit = query.size + 1
    if len(parts) == 1:
        [(statement, order)] = parts
        return statement.select(query.columns, order, limit)
    tables = []
    for number, (statement, order) in enumerate(parts):
        rank = f"{number * limit} + row_number() OVER (ORDER BY {order}) AS place"
        part = statement.select((*query.columns, rank), order, limit)
        rest = "".join(f" - (SELECT count(*) FROM part_{before})" for before in range(number))
        tables.append(
            f"part_{number} AS MATERIALIZED (SELECT * FROM ({part}) p LIMIT {limit}{rest})"
        )
    rows = " UNION ALL ".join(f"SELECT * FROM part_{number}" for number in range(len(parts)))
    return f"WITH {', '.join(tables)} {rows} ORDER BY place"
