"""A builder of SELECT queries in which every value is a bound parameter."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Self


class Ranges(NamedTuple):
    """Several ranges of a table: one by a condition, and one for each row of a further source.

    A page reads a page of each range, where a condition with OR would have all rows read and sorted. By the
    expressions `ordered_by` an index has the rows of a further range in order. By all others such a range is
    read whole: PostgreSQL doesn't know how few of what another index has in order are in the range, and
    would read all of an owner's rows to find a page.
    """

    alias: str
    first: str
    source: str
    condition: str
    of_each: str
    ordered_by: tuple[str, ...]


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
        source = _union(self.source, self.ranges, conditions, order_by, limit)
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
    order_by: str | None,
    limit: int | None,
) -> str:
    """SQL for a table of the rows of all ranges, as many of each as the limit says."""
    rows = (f"{ranges.alias}.*",)
    first = _text(rows, source, (ranges.first, *conditions), order_by, limit)
    of_each = (ranges.of_each, *conditions)
    if limit is None or (order_by and order_by.startswith(ranges.ordered_by)):
        others = _text(rows, source, of_each, order_by, limit)
    else:
        whole = f"({_text(rows, source, of_each, None, None)} OFFSET 0) {ranges.alias}"
        others = _text(rows, whole, (), order_by, limit)
    return (
        f"(({first}) UNION ALL (SELECT {ranges.alias}.* FROM {ranges.source}"
        f" CROSS JOIN LATERAL ({others}) {ranges.alias} WHERE {ranges.condition})) {ranges.alias}"
    )
