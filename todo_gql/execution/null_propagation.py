"""Null propagation: which value an error makes null, and the order in which errors are reported.

https://spec.graphql.org/September2025/#sec-Handling-Execution-Errors
"""

from math import inf
from typing import Any, NamedTuple

from graphql.pyutils import Path

from todo_gql.execution.paths import NullTarget, ResponsePaths
from todo_gql.execution.plan import PlannedField


class Failure(NamedTuple):
    """An error, and which value of a field's column failed with it.

    `await_depth` is the number of sequential awaits before it; `follows_items` marks an error that
    ended a list after some of its items.
    """

    error: Exception
    field: PlannedField
    paths: ResponsePaths
    value_index: int
    await_depth: int
    follows_items: bool


class LocatedFailure(NamedTuple):
    """A failure, its response path, what it makes null, and its position in the response.

    `order` is the path with indexes instead of response names, for sorting.
    """

    failure: Failure
    path: Path | None
    null_target: NullTarget
    order: list[float]


def locate(failure: Failure, data: dict[str, Any]) -> LocatedFailure:
    """Locate a failure in the response data, before any null propagation."""
    path = failure.paths.path(failure.value_index)
    order: list[float] = []
    value: Any = data
    for key in path.as_list() if path else ():
        order.append(key if isinstance(key, int) else list(value).index(key))
        value = value[key]
    if failure.follows_items:
        order.append(inf)
    return LocatedFailure(failure, path, failure.paths.null_target(failure.value_index), order)


def report_order(located: LocatedFailure) -> tuple[int, int, list[float]]:
    """The sort key of failures: the order in which graphql-core reports them.

    Errors with fewer awaits before them come first, then those with fewer awaits between the null
    target and the error: graphql-core propagates an error through each of these. Errors that are
    equal in both are in the order of the response.
    """
    await_depth = located.failure.await_depth
    return await_depth, await_depth - located.null_target.await_depth, located.order


def set_null(data: dict[str, Any], path: list[str | int]) -> None:
    """Set the value at the end of a path to null."""
    container: Any = data
    for key in path[:-1]:
        container = container[key]
    container[path[-1]] = None
