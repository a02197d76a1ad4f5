"""A builder of SELECT queries in which every value is a bound parameter."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Self


class Ranges(NamedTuple):
    """Several ranges of a table: one by a condition, and one for each row of a further source.

    A page reads a page of each range, where a condition with OR would have all rows read and sorted. Of an
    order that begins with an expression of `in_order` an index has the rows of a further range in order, and
    the condition beside it leads there. By all others such a range is read whole: PostgreSQL doesn't
    know how few of what another index has in order are in the range, and would read all of an
    owner's rows to find a page.

    The ranges are read for the order and the columns of `key`, the primary key, alone, so that an index that
    has these needs no rows. Then the rows of the page are read.
    """

    alias: str
    key: tuple[str, ...]
    first: str
    source: str
    condition: str
    of_each: str
    in_order: tuple[tuple[str, str], ...] = ()


class SelectQuery:
    """A SELECT query under construction; `where` and `bind` change it.

    Equal structures yield equal SQL, so that a connection prepares each structure once. With
    `custom_plan`, PostgreSQL should plan it for its values each time, not reuse a generic plan. With
    `ranges`, the conditions hold in each of them.
    """

    def __init__(self, source: str, ranges: Ranges | None = None) -> None:
        self.source = source
        self.ranges = ranges
        self.conditions: list[str] = []
        self.values: list[object] = []
        self.custom_plan = False

    def bind(self, value: object) -> str:
        """Add a bound value; returns its placeholder."""
        self.values.append(value)
        return f"${len(self.values)}"

    def where(self, condition: str) -> Self:
        """Add a condition, joined with AND."""
        self.conditions.append(condition)
        return self

    def where_one_of(self, column: str, values: Sequence[object]) -> Self:
        """Require a column to equal one of the values; one value is encoded faster than an array."""
        if len(values) == 1:
            return self.where(f"{column} = {self.bind(values[0])}")
        return self.where(f"{column} = ANY({self.bind(values)})")

    def copy(self) -> "SelectQuery":
        """A copy that can be changed without changing this one."""
        copy = SelectQuery(self.source, self.ranges)
        copy.conditions = self.conditions.copy()
        copy.values = self.values.copy()
        copy.custom_plan = self.custom_plan
        return copy

    def beside(self) -> "SelectQuery":
        """A copy that shares its bound values with this one: both are to stand in one statement."""
        copy = self.copy()
        copy.values = self.values
        return copy

    def select(
        self, columns: Sequence[str], order_by: str | None = None, limit: int | None = None
    ) -> str:
        """The SQL of the query."""
        conditions = tuple(self.conditions)
        if self.ranges is None:
            return _text(tuple(columns), self.source, conditions, order_by, limit)
        if order_by is None or limit is None:
            rows = _union(
                self.source, self.ranges, conditions, f"{self.ranges.alias}.*", order_by, limit
            )
            return _text(tuple(columns), rows, (), order_by, limit)
        source = _page(self.source, self.ranges, conditions, order_by, limit)
        return _text(tuple(columns), source, (), order_by, limit)


@lru_cache(maxsize=256)
def _text(
    columns: tuple[str, ...],
    source: str,
    conditions: tuple[str, ...],
    order_by: str | None,
    limit: int | None,
) -> str:
    text = f"SELECT {', '.join(columns)} FROM {source}"
    if conditions:
        text += f" WHERE {' AND '.join(conditions)}"
    if order_by:
        text += f" ORDER BY {order_by}"
    return text if limit is None else f"{text} LIMIT {limit}"


@lru_cache(maxsize=256)
def _union(
    source: str,
    ranges: Ranges,
    conditions: tuple[str, ...],
    columns: str,
    order_by: str | None,
    limit: int | None,
) -> str:
    """SQL for a table of the rows of all ranges, as many of each as the limit says."""
    first = _text((columns,), source, (ranges.first, *conditions), order_by, limit)
    others = _further_range(source, ranges, conditions, columns, order_by, limit)
    return (
        f"(({first}) UNION ALL (SELECT {columns} FROM {ranges.source}"
        f" CROSS JOIN LATERAL ({others}) {ranges.alias} WHERE {ranges.condition})) {ranges.alias}"
    )


def _further_range(
    source: str,
    ranges: Ranges,
    conditions: tuple[str, ...],
    columns: str,
    order_by: str | None,
    limit: int | None,
) -> str:
    for expression, of_each in ranges.in_order:
        if order_by and order_by.startswith(expression):
            return _text((columns,), source, (of_each, *conditions), order_by, limit)
    whole = _text((columns,), source, (ranges.of_each, *conditions), None, None)
    if limit is None:
        return whole
    return _text((columns,), f"({whole} OFFSET 0) {ranges.alias}", (), order_by, limit)


@lru_cache(maxsize=256)
def _page(
    source: str, ranges: Ranges, conditions: tuple[str, ...], order_by: str, limit: int
) -> str:
    """SQL for a table of the rows of a page, which is known by the keys and what the order reads."""
    alias = ranges.alias
    read = dict.fromkeys((*ranges.key, *re.findall(rf"\b{alias}\.(\w+)", order_by)))
    columns = ", ".join(f"{alias}.{name}" for name in read)
    union = _union(source, ranges, conditions, columns, order_by, limit)
    keys = _text(tuple(f"{alias}.{name}" for name in ranges.key), union, (), order_by, limit)
    equal = " AND ".join(f"{alias}.{name} = page.{name}" for name in ranges.key)
    return f"({keys}) page JOIN {source} ON {equal}"
