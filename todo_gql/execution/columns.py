"""Columns: the values of one field for all objects of a level, and functions over columns."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from types import GeneratorType
from typing import Any, TypeAlias

from graphql import Undefined
from graphql.pyutils import is_awaitable

Column: TypeAlias = list[Any]
"""A value for each object; an exception among them is an execution error of that object's field."""

ValueTypes: TypeAlias = set[type]
"""The types that occur in a column: most checks need only these, not each value."""

NULL_TYPES = frozenset({type(None), type(Undefined)})


def types_of(values: Iterable[object]) -> ValueTypes:
    """The types that occur among the values."""
    return set(map(type, values))


@lru_cache(maxsize=4096)
def _may_await(type_: type) -> bool:
    return hasattr(type_, "__await__") or issubclass(type_, GeneratorType)


@lru_cache(maxsize=4096)
def _is_null_or_error(type_: type) -> bool:
    return type_ in NULL_TYPES or issubclass(type_, Exception)


def has_awaitables(values: Iterable[object], value_types: ValueTypes) -> bool:
    """Whether any of the values, which are of these types, has to be awaited."""
    # Only some generators, generator-based coroutines, are awaitable, so that each is checked.
    return any(map(_may_await, value_types)) and any(map(is_awaitable, values))


def has_nulls_or_errors(value_types: ValueTypes) -> bool:
    """Whether there are nulls or exceptions among values of these types."""
    return any(map(_is_null_or_error, value_types))


def mapped(function: Callable[..., Any], *arguments: Sequence[Any]) -> Column:
    """The results of calling a function for each value, or the exceptions that it raises.

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


def split(values: Iterable[Any], lists: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The values split into new lists as long as `lists`."""
    column = values if isinstance(values, list) else list(values)
    if len(lists) == 1:
        return [column]
    ends = accumulate(map(len, lists), initial=0)
    return [column[start:end] for start, end in pairwise(ends)]
