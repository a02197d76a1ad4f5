"""Null propagation: which value an error makes null, and the order in which errors are reported.

https://spec.graphql.org/September2025/#sec-Handling-Execution-Errors
"""

from math import inf
from typing import Any, NamedTuple

from graphql.pyutils import Path

from todo_gql.execution.paths import NullTarget, ResponsePaths
from todo_gql.execution.plan import PlannedField


class Failure(NamedTuple):
    """An error, and the value of a column that failed with it."""

    error: Exception
    field: PlannedField
    paths: ResponsePaths
    value_index: int
    await_depth: int
    follows_items: bool


class LocatedFailure(NamedTuple):
    """A failure, its path, what it makes null, and where it lies in the answer."""

    failure: Failure
    path: Path | None
    null_target: NullTarget
    order: list[float]


def locate(failure: Failure, data: dict[str, Any]) -> LocatedFailure:
    """Where a failure lies in data that no null was put into yet."""
    path = failure.paths.path(failure.value_index)
    order: list[float] = []
    value: Any = data
    for key in path.as_list() if path else ():
        order.append(key if isinstance(key, int) else list(value).index(key))
        value = value[key]
    if failure.follows_items:
        order.append(inf)
    return LocatedFailure(failure, path, failure.paths.null_target(failure.value_index), order)


def report_order(found: LocatedFailure) -> tuple[int, int, list[float]]:
    """What decides when graphql-core would report a failure.

    What needs no waiting comes first, in the answer's own order. An error that makes something null
    that was waiting for it is reported after those that don't, since it has to get there first.
    """
    await_depth = found.failure.await_depth
    return await_depth, await_depth - found.null_target.await_depth, found.order


def set_null(data: dict[str, Any], path: list[str | int]) -> None:
    """Put null at the end of a path."""
    container: Any = data
    for key in path[:-1]:
        container = container[key]
    container[path[-1]] = None
