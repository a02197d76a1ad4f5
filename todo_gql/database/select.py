"""SELECT statements put together from conditions, with every value bound."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Self


class Statement:
    """A SELECT under construction.

    Equal shapes give equal texts, so that each connection prepares a shape once.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.conditions: list[str] = []
        self.values: list[object] = []
        self.plan_anew = False

    def bind(self, value: object) -> str:
        """Keep a value and return its placeholder."""
        self.values.append(value)
        return f"${len(self.values)}"

    def where(self, condition: str) -> Self:
        """Ask for one more condition."""
        self.conditions.append(condition)
        return self

    def where_one_of(self, column: str, values: Sequence[object]) -> Self:
        """Ask for rows that have one of the values; a single one is sent faster than an array."""
        if len(values) == 1:
            return self.where(f"{column} = {self.bind(values[0])}")
        return self.where(f"{column} = ANY({self.bind(values)})")

    def copy(self) -> "Statement":
        """A statement that can be narrowed without narrowing this one."""
        twin = Statement(self.source)
        twin.conditions = self.conditions.copy()
        twin.values = self.values.copy()
        twin.plan_anew = self.plan_anew
        return twin

    def select(
        self, columns: Sequence[str], order_by: str | None = None, limit: int | None = None
    ) -> str:
        """The statement's text."""
        return _text(tuple(columns), self.source, tuple(self.conditions), order_by, limit)


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
