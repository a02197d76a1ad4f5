"""The answers to an operation on a connection that stays: one, or one for each event."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Hashable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    Node,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from starlette.types import Scope

from todo_gql.auth import authenticate
from todo_gql.context import Context
from todo_gql.documents.reading import codes_of, plain_error
from todo_gql.errors import TIMEOUT_MESSAGE, Code, Unavailable, is_temporary
from todo_gql.http.answer import as_json
from todo_gql.http.connections import Connections
from todo_gql.http.graphql import (
    OPERATION_SECONDS,
    GraphQLRoute,
    RequestError,
    SignedOut,
)
from todo_gql.http.request import GraphQLRequest
from todo_gql.telemetry import observation
from todo_gql.telemetry.observation import Observation
from todo_gql.todos.types import Change

Bodies: TypeAlias = AsyncGenerator[bytes, None]
Source: TypeAlias = AsyncGenerator[Any, None]

# An event that the database can't be asked about now is told later, after waits that grow.
FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0
GIVEN_UP_AFTER = 60.0


class GivenUp(Exception):
    """The database was away for too long for an event to be told of it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that is live, and what makes it the same as another one."""

    scope: Scope
    request: GraphQLRequest
    executor: Executor[Any]
    context: Context
    key: Hashable
    seen: Observation


class Responder:
    """Answers the operations of one process's connections that stay."""

    def __init__(self, route: GraphQLRoute, connections: Connections) -> None:
        self.route = route
        self.connections = connections

    async def responses(self, scope: Scope, request: GraphQLRequest, token: str | None) -> Bodies:
        """The answers to an operation, as JSON.

        `RequestError` if it can't be executed, or not any longer, and `SignedOut` if the token opens
        nothing.
        """
        route, seen = self.route, observation.observed()
        if route.executable(scope, request, seen).kind is not OperationType.SUBSCRIPTION:
            told, _ = await route.response(scope, request, token, stays=True)
            yield _noted(seen, told)
            return
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                viewer = await authenticate(token, route.settings)
                if token and viewer is None:
                    raise SignedOut
                admitted = route.admitted(scope, request, viewer)
                context = admitted.context
                executor = Executor.build(
                    route.schema,
                    admitted.prepared.operation.document,
                    context_value=context,
                    raw_variable_values=request.variables,
                    operation_name=request.operation_name,
                )
                source = await _source(executor)
        except (RequestError, SignedOut):
            raise
        except Exception as error:
            if is_temporary(error):
                raise RequestError([plain_error(str(Unavailable()), Code.UNAVAILABLE)]) from error
            source = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        if isinstance(source, ExecutionResult):
            yield _noted(seen, route.body(scope, request, source))
            return
        assert isinstance(executor, Executor)
        key = context.viewer, request.query, request.operation_name, _asked_below(executor, request)
        with self.connections.counted():
            subscription = Subscription(scope, request, executor, context, key, seen)
            observation.event_began()
            async with aclosing(self._bodies(subscription, source)) as bodies:
                async for body in bodies:
                    yield body

    async def _bodies(self, subscription: Subscription, source: Source) -> Bodies:
        """What each event gives; an error of the source itself is the last of them."""
        try:
            async with aclosing(source) as events:
                async for event in events:
                    observation.event_began()
                    yield await self._told_of(subscription, event)
        except GivenUp:
            raise RequestError([plain_error(str(Unavailable()), Code.UNAVAILABLE)]) from None
        except Exception as error:
            result = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
            body = self.route.body(subscription.scope, subscription.request, result)
            yield _noted(subscription.seen, body)

    async def _told_of(self, subscription: Subscription, event: object) -> bytes:
        """What an event gives: once for all subscriptions of a viewer that ask the same of it."""
        if not isinstance(event, Change):
            return await self._body(subscription, event)
        told = subscription.context.told
        key = subscription.key, event.id, event.matches
        if key not in told:
            told[key] = asyncio.create_task(self._body(subscription, event))
            told[key].add_done_callback(_look_at)
        return await asyncio.shield(told[key])

    async def _body(self, subscription: Subscription, event: object) -> bytes:
        result = await _lasting(subscription, event)
        return as_json(self.route.body(subscription.scope, subscription.request, result))


def _noted(seen: Observation, body: dict[str, Any]) -> bytes:
    """A body as JSON, whose errors are those of the whole operation."""
    if "errors" in body:
        seen.error_codes = codes_of(body["errors"])
    return as_json(body)


def _look_at(task: asyncio.Task[bytes]) -> None:
    """Take note of an error that nobody may be left to hear of."""
    if not task.cancelled():
        task.exception()


def _asked_below(executor: Executor[Any], request: GraphQLRequest) -> bytes:
    """The variables that an event's answer can depend on, which those of the root field aren't."""
    nodes: list[Node] = [fragment.definition for fragment in executor.fragments.values()]
    for selection in executor.operation.selection_set.selections:
        if isinstance(selection, FieldNode) and selection.selection_set:
            nodes += [*(selection.directives or ()), selection.selection_set]
        else:
            nodes.append(selection)
    names = {name for node in nodes for name in _variables_in(node)}
    used = {name: value for name, value in (request.variables or {}).items() if name in names}
    return as_json(used)


def _variables_in(node: Node) -> set[str]:
    names: set[str] = set()

    class Noting(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            names.add(node.name.value)

    visit(node, Noting())
    return names


async def _source(executor: Executor[Any] | list[GraphQLError]) -> Source | ExecutionResult:
    """The events that are subscribed to, or the errors why that can't be."""
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    source = create_source_event_stream(executor)
    if isinstance(source, Awaitable):
        source = await source
    assert isinstance(source, ExecutionResult | AsyncGenerator)
    return source


async def _lasting(subscription: Subscription, event: object) -> ExecutionResult:
    """What an event gives once nothing in it fails for a cause that passes; `GivenUp` in the end."""
    began, wait = time.monotonic(), FIRST_WAIT
    while True:
        result = await _executed(subscription.executor.build_per_event_executor(event))
        if not any(is_temporary(error) for error in result.errors or ()):
            return result
        if time.monotonic() - began > GIVEN_UP_AFTER:
            raise GivenUp
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
        subscription.context.forget_loaded()


async def _executed(executor: Executor[Any]) -> ExecutionResult:
    try:
        async with asyncio.timeout(OPERATION_SECONDS):
            running = execute_subscription_event(executor)
            return await running if isinstance(running, Awaitable) else running
    except TimeoutError as error:
        return ExecutionResult(None, [GraphQLError(TIMEOUT_MESSAGE, original_error=error)])
