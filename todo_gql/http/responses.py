"""The answers to an operation on a connection that stays: one, or one for each event."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Any, TypeAlias

from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from starlette.types import Scope

from todo_gql.context import Context
from todo_gql.errors import TIMEOUT_MESSAGE, Code, Unavailable, is_temporary
from todo_gql.http.connections import Connections
from todo_gql.http.graphql import OPERATION_SECONDS, GraphQLRoute, RequestError, plain_error
from todo_gql.http.request import GraphQLRequest

Body: TypeAlias = dict[str, Any]
Bodies: TypeAlias = AsyncGenerator[Body, None]
Results: TypeAlias = AsyncGenerator[ExecutionResult, None]
Source: TypeAlias = AsyncGenerator[Any, None]

# An event that the database can't be asked about now is told later, after waits that grow.
FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0
GIVEN_UP_AFTER = 60.0


class GivenUp(Exception):
    """The database was away for too long for an event to be told of it."""


async def responses(
    route: GraphQLRoute,
    connections: Connections,
    scope: Scope,
    request: GraphQLRequest,
    token: str | None,
) -> Bodies:
    """The answers to an operation; `RequestError` if it can't be executed, or not any longer."""
    document, kind = route.executable(scope, request)
    if kind is not OperationType.SUBSCRIPTION:
        yield await route.response(scope, request, token)
        return
    try:
        async with asyncio.timeout(OPERATION_SECONDS):
            context = await route.context(scope, token)
            executor = Executor.build(
                route.schema,
                document,
                context_value=context,
                raw_variable_values=request.variables,
                operation_name=request.operation_name,
            )
            source = await _source(executor)
    except Exception as error:
        if is_temporary(error):
            raise RequestError([plain_error(str(Unavailable()), Code.UNAVAILABLE)]) from error
        source = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
    if isinstance(source, ExecutionResult):
        yield route.body(scope, source)
        return
    assert isinstance(executor, Executor)
    with connections.counted():
        async with aclosing(_results(executor, source, context)) as results:
            async for result in results:
                yield route.body(scope, result)


async def _source(executor: Executor[Any] | list[GraphQLError]) -> Source | ExecutionResult:
    """The events that are subscribed to, or the errors why that can't be."""
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    source = create_source_event_stream(executor)
    if isinstance(source, Awaitable):
        source = await source
    assert isinstance(source, ExecutionResult | AsyncGenerator)
    return source


async def _results(executor: Executor[Any], source: Source, context: Context) -> Results:
    """What each event gives; an error of the source itself is the last of them."""
    try:
        async with aclosing(source) as events:
            async for event in events:
                yield await _told(executor, event, context)
    except GivenUp:
        raise RequestError([plain_error(str(Unavailable()), Code.UNAVAILABLE)]) from None
    except Exception as error:
        yield ExecutionResult(None, [GraphQLError(str(error), original_error=error)])


async def _told(executor: Executor[Any], event: object, context: Context) -> ExecutionResult:
    """What an event gives once nothing in it fails for a cause that passes; `GivenUp` in the end."""
    began, wait = time.monotonic(), FIRST_WAIT
    while True:
        result = await _executed(executor.build_per_event_executor(event))
        if not any(is_temporary(error) for error in result.errors or ()):
            return result
        if time.monotonic() - began > GIVEN_UP_AFTER:
            raise GivenUp
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
        context.forget_loaded()


async def _executed(executor: Executor[Any]) -> ExecutionResult:
    try:
        async with asyncio.timeout(OPERATION_SECONDS):
            running = execute_subscription_event(executor)
            return await running if isinstance(running, Awaitable) else running
    except TimeoutError as error:
        return ExecutionResult(None, [GraphQLError(TIMEOUT_MESSAGE, original_error=error)])
