"""Awaiting columns, and the steps that follow from them, concurrently."""

from asyncio import CancelledError, TaskGroup, ensure_future, gather
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeAlias

from graphql.pyutils import is_awaitable

from todo_gql.execution.columns import Column
from todo_gql.execution.current import current_execution

Step: TypeAlias = Coroutine[Any, Any, list["Step"]]
"""Awaits a column and completes it; returns the steps that follow from it."""


async def outcome(value: Awaitable[Any]) -> Any:
    """The awaited value, or the exception that it fails with."""
    try:
        return await value
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this value's error
        return error


async def await_column(values: Column) -> Column:
    """The column with all awaitables in it awaited concurrently; exceptions become values."""
    indexes = [index for index, value in enumerate(values) if is_awaitable(value)]
    values = values.copy()
    if len(indexes) == 1:
        [index] = indexes
        values[index] = await outcome(values[index])
        return values
    if execution := current_execution.get():
        execution.is_single_branch = False
    futures = [ensure_future(values[index]) for index in indexes]
    results = await gather(*futures, return_exceptions=True)
    for index, result in zip(indexes, results, strict=True):
        if isinstance(result, CancelledError):
            raise result
        values[index] = result
    return values


async def run_steps(steps: list[Step]) -> None:
    """Run steps, and all that follow from them."""
    while len(steps) == 1:
        steps = await steps[0]
    if steps:
        async with TaskGroup() as group:
            for step in steps:
                group.create_task(run_steps([step]))
