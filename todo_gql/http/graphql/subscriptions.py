"""The responses to an operation on a long-lived connection: one, or one for each event.

See MapSourceToResponseEvent in the GraphQL specification, section 6.2.3.2.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, TypeAlias

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    OperationType,
)
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from graphql.pyutils import RefMap
from starlette.types import Scope
from strawberry.types import get_object_definition

from todo_gql.api.errors import TIMEOUT_MESSAGE, Code, Unavailable, is_temporary
from todo_gql.documents.parsing import error_codes, error_entry
from todo_gql.documents.selection_digest import selection_digest
from todo_gql.http.graphql.connections import Connections
from todo_gql.http.graphql.endpoint import OPERATION_SECONDS, GraphQLRoute, SignedOut
from todo_gql.http.graphql.preparation import Prepared
from todo_gql.http.graphql.request import GraphQLRequest
from todo_gql.http.graphql.response import as_json
from todo_gql.http.graphql.results import RequestError
from todo_gql.observability import request_record
from todo_gql.observability.request_record import RequestRecord, caller_of
from todo_gql.operation.context import Context
from todo_gql.operation.event_cache import EventBody, EventCache
from todo_gql.security.authentication import authenticate
from todo_gql.security.sliding_window import EVENTS

Bodies: TypeAlias = AsyncGenerator[bytes, None]
Source: TypeAlias = AsyncGenerator[Any, None]

# While the database is unavailable an event is retried with exponential backoff, in seconds.
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.25, 5.0
RETRY_SECONDS = 60.0
# The pause after an event, in seconds, however long it waited for the database.
MAX_PAUSE_SECONDS: Final = 0.02

# The cost of an event beside its selection: to execute it, or to send a body from the cache.
EXECUTION_COST: Final = 10
CACHE_HIT_COST: Final = 1


class EventExecutionFailed(Exception):
    """The database was unavailable for RETRY_SECONDS while an event was executed."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A live subscription.

    `request_key` identifies the bodies of its events in the cache by its whole request, and
    `selection_keys` by what it selects of each type of events. `cost` is the cost of executing one
    event, `size` the bytes of a body at most.
    """

    scope: Scope
    request: GraphQLRequest
    executor: Executor[Any]
    context: Context
    request_key: Hashable
    cost: int
    record: RequestRecord
    size: int
    selection_keys: dict[str, Hashable] = field(default_factory=dict)


class SubscriptionExecutor:
    """Executes the operations of one process's long-lived connections."""

    def __init__(self, route: GraphQLRoute, connections: Connections) -> None:
        self.route = route
        self.connections = connections

    async def responses(self, scope: Scope, request: GraphQLRequest, token: str | None) -> Bodies:
        """The responses to an operation, as JSON.

        Raises RequestError if it can't be executed, or no longer, and SignedOut if the token is
        invalid.
        """
        route, record = self.route, request_record.current_record()
        prepared = await route.prepared_operation(scope, request, token, record)
        if prepared.kind is not OperationType.SUBSCRIPTION:
            complete, _ = await route.response(scope, request, token, prepared)
            yield route.response_sender.charge(_serialized(record, complete))
            return
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                viewer = await authenticate(token, route.settings)
                if token and viewer is None:
                    raise SignedOut
                accepted = route.accept(scope, request, viewer, prepared, record)
                context = accepted.context
                executor = Executor.build(
                    route.schema,
                    accepted.prepared.operation.document,
                    context_value=context,
                    raw_variable_values=request.variables,
                    operation_name=request.operation_name,
                )
                source = await _source(executor)
        except (RequestError, SignedOut):
            raise
        except Exception as error:
            if is_temporary(error):
                raise RequestError([error_entry(str(Unavailable()), Code.UNAVAILABLE)]) from error
            source = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        if isinstance(source, ExecutionResult):
            yield _serialized(record, route.body(scope, request, source))
            return
        assert isinstance(executor, Executor)
        cost = self._event_cost(accepted.prepared, request)
        with self.connections.counted():
            request_key = _request_key(request, context)
            subscription = Subscription(
                scope, request, executor, context, request_key, cost, record, accepted.size
            )
            request_record.event_began()
            async with aclosing(self._bodies(subscription, source)) as bodies:
                async for body in bodies:
                    yield body

    async def _bodies(self, subscription: Subscription, source: Source) -> Bodies:
        """The response to each event; an error of the source stream is the last one."""
        try:
            async with aclosing(source) as events:
                async for event in events:
                    request_record.event_began()
                    yield await self._shared_body(subscription, event)
        except EventExecutionFailed:
            raise RequestError([error_entry(str(Unavailable()), Code.UNAVAILABLE)]) from None
        except Exception as error:
            result = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
            body = self.route.body(subscription.scope, subscription.request, result)
            yield _serialized(subscription.record, body)

    def _selection_key(self, subscription: Subscription, event: object) -> Hashable:
        """The cache key by what is selected of an event; by the request if that isn't canonical."""
        name = get_object_definition(event, strict=True).name
        key = subscription.selection_keys.get(name)
        if key is None:
            type_ = self.route.schema.get_type(name)
            assert isinstance(type_, GraphQLObjectType)
            selected = selection_digest(subscription.executor, type_)
            key = subscription.request_key
            if selected:
                key = _viewer_key(subscription.context), selected
            subscription.selection_keys[name] = key
        return key

    def _event_cost(self, prepared: Prepared, request: GraphQLRequest) -> int:
        """The cost of executing an event, at most the whole rate limit."""
        cost = prepared.document.event_cost(prepared.operation.node, request.variables)
        return min(EXECUTION_COST + cost, self.route.limits.limits[EVENTS])

    async def _shared_body(self, subscription: Subscription, event: object) -> bytes:
        """The response to an event, shared by a viewer's subscriptions with the same selection.

        It is shared if the event has a `share_key`, which is equal for events with the same response.
        """
        event_cache = subscription.context.event_cache
        share_key: Hashable = getattr(event, "share_key", None)
        if event_cache is None or share_key is None:
            return (await self._execute_event(subscription, event, asyncio.Lock())).body
        key = self._selection_key(subscription, event), share_key
        body = await self._cached_body(subscription, event, event_cache, key)
        if body.document not in (None, subscription.request_key):
            # Its errors have locations in another document.
            key = subscription.request_key, share_key
            body = await self._cached_body(subscription, event, event_cache, key)
        return body.body

    async def _cached_body(
        self,
        subscription: Subscription,
        event: object,
        event_cache: Callable[[], EventCache],
        key: Hashable,
    ) -> EventBody:
        """The body of an event from the cache, once the viewer's rate limit allows its cost."""
        while True:
            shared = event_cache()
            task = shared.bodies.get(key)
            wait = self._charge(subscription, CACHE_HIT_COST if task else subscription.cost)
            if not wait:
                break
            # Another subscription may have executed it by then.
            await asyncio.sleep(wait)
        if task is None:
            task = asyncio.create_task(self._execute_event(subscription, event, shared.lock))
            shared.bodies.add(key, task)
        elif task.done():
            # Many may be cached already; let other tasks run in between.
            await asyncio.sleep(0)
        return await asyncio.shield(task)

    def _charge(self, subscription: Subscription, cost: int) -> int:
        """Charge the viewer for an event; the seconds to wait if the rate limit is exceeded, else 0."""
        viewer = subscription.context.viewer
        caller = viewer.caller if viewer else caller_of(subscription.record)
        quota = self.route.limits.take(caller, EVENTS, cost)
        return quota.wait if quota else 0

    async def _execute_event(
        self, subscription: Subscription, event: object, lock: asyncio.Lock
    ) -> EventBody:
        result = await _execute_with_retry(subscription, event, lock)
        body = self.route.body(subscription.scope, subscription.request, result)
        if subscription.size > self.route.long_responses.at_once:
            await self.route.long_responses.complete(body, is_mutation=False)
        serialized = self.route.response_sender.charge(as_json(body), EVENTS)
        return EventBody(serialized, subscription.request_key if result.errors else None)


def _viewer_key(context: Context) -> Hashable:
    viewer = context.viewer
    return viewer and viewer.rights


def _request_key(request: GraphQLRequest, context: Context) -> Hashable:
    """Equal for all requests of a viewer that are the same."""
    variables = sha256(as_json(request.variables or {})).digest()
    return _viewer_key(context), request.query, request.operation_name, variables


def _serialized(record: RequestRecord, body: dict[str, Any]) -> bytes:
    """A body as JSON; its error codes are recorded for the whole operation."""
    if "errors" in body:
        record.error_codes = error_codes(body["errors"])
    return as_json(body)


async def _source(executor: Executor[Any] | list[GraphQLError]) -> Source | ExecutionResult:
    """The source stream of a subscription, or the errors that prevent it."""
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    source = create_source_event_stream(executor)
    if isinstance(source, Awaitable):
        source = await source
    assert isinstance(source, ExecutionResult | AsyncGenerator)
    return source


async def _execute_with_retry(
    subscription: Subscription, event: object, lock: asyncio.Lock
) -> ExecutionResult:
    """Execute an event, again while an error in it is temporary.

    Raises EventExecutionFailed once that has lasted for RETRY_SECONDS.
    """
    began, wait = time.monotonic(), FIRST_RETRY_SECONDS
    while True:
        async with _locked(lock):
            subscription.context.use_event_loaders()
            result = await _execute_once(_for_event(subscription.executor, event))
            # A subscription that waits for its next event holds no data of the last one.
            subscription.context.clear_loaders()
        if not any(is_temporary(error) for error in result.errors or ()):
            return result
        if time.monotonic() - began > RETRY_SECONDS:
            raise EventExecutionFailed
        await asyncio.sleep(wait)
        wait = min(2 * wait, MAX_RETRY_SECONDS)


@asynccontextmanager
async def _locked(lock: asyncio.Lock) -> AsyncGenerator[None, None]:
    """A block in which one event of an owner is executed; the lock is released after a pause.

    The pause is as long as the block, so the events of one owner take at most half of the time,
    however many there are, and other requests are answered in between.
    """
    await lock.acquire()
    began = time.monotonic()
    try:
        yield
    finally:
        pause = min(time.monotonic() - began, MAX_PAUSE_SECONDS)
        asyncio.get_running_loop().call_later(pause, lock.release)


def _for_event(executor: Executor[Any], event: object) -> Executor[Any]:
    """An executor for one event, with caches of its own.

    graphql-core's per-event executors share caches keyed by the identity of lists that are new for
    each event, so a subscription would leak some 10 KB per event.
    """
    event_executor = executor.build_per_event_executor(event)
    event_executor._relevant_sub_fields = {}  # noqa: SLF001 - nothing public tells copies apart
    event_executor._stream_usages = RefMap()  # noqa: SLF001 - the same
    return event_executor


async def _execute_once(executor: Executor[Any]) -> ExecutionResult:
    try:
        async with asyncio.timeout(OPERATION_SECONDS):
            running = execute_subscription_event(executor)
            return await running if isinstance(running, Awaitable) else running
    except TimeoutError as error:
        return ExecutionResult(None, [GraphQLError(TIMEOUT_MESSAGE, original_error=error)])
