"""Columns: what one field has for all objects of a level, and functions over a whole column."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from types import GeneratorType
from typing import Any, TypeAlias

from graphql import Undefined
from graphql.pyutils import is_awaitable

Column: TypeAlias = list[Any]
"""A value for each object; one that is an exception stands for an error of that object's field."""

ValueTypes: TypeAlias = set[type]
"""The types that occur in a column, which tell in one look what needs no look at each value."""

NULL_TYPES = frozenset({type(None), type(Undefined)})


def types_of(values: Iterable[object]) -> ValueTypes:
    """The types that occur among the values."""
    return set(map(type, values))


@lru_cache(maxsize=4096)
def _may_await(kind: type) -> bool:
    return hasattr(kind, "__await__") or issubclass(kind, GeneratorType)


@lru_cache(maxsize=4096)
def _is_null_or_error(kind: type) -> bool:
    return kind in NULL_TYPES or issubclass(kind, Exception)


def has_awaitables(values: Iterable[object], value_types: ValueTypes) -> bool:
    """Whether any of the values, which are of these types, has to be awaited."""
    # Generators may be coroutines of the old kind, so that each has to be asked.
    return any(map(_may_await, value_types)) and any(map(is_awaitable, values))


def has_nulls_or_errors(value_types: ValueTypes) -> bool:
    """Whether there are nulls or exceptions among values of these types."""
    return any(map(_is_null_or_error, value_types))


def mapped(function: Callable[..., Any], *arguments: Sequence[Any]) -> Column:
    """What the function returns for each value, or the exception that it raises.

    Every call is made exactly once, and a column without exceptions costs no `try` per value.
    """
    size = len(arguments[0])
    results: Column = []
    calls = map(function, *arguments)
    while len(results) < size:
        try:
            results.extend(calls)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this value's error
            results.append(error)
        else:
            if len(results) < size:
                # The function raised StopIteration, which ended `extend` and not the column.
                results.append(StopIteration())
    return results


def split(values: Iterable[Any], lists: Sequence[Sequence[Any]], width: int = 1) -> list[list[Any]]:
    """The values dealt out into new lists, one value for each `width` in the given ones."""
    dealt = values if isinstance(values, list) else list(values)
    if len(lists) == 1:
        return [dealt]
    ends = accumulate(
        [len(one) // width for one in lists] if width > 1 else map(len, lists), initial=0
    )
    return [dealt[start:end] for start, end in pairwise(ends)]
