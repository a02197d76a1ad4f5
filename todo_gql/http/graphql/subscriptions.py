"""The answers to an operation on a connection that stays: one, or one for each event."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
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

from todo_gql.api.errors import TIMEOUT_MESSAGE, Code, Unavailable, is_temporary
from todo_gql.documents.parsing import error_codes, error_entry
from todo_gql.documents.selection_digest import selection_digest
from todo_gql.features.todos.types import Change
from todo_gql.http.graphql.connections import Connections
from todo_gql.http.graphql.endpoint import (
    OPERATION_SECONDS,
    GraphQLRoute,
    Prepared,
    SignedOut,
)
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

# An event that the database can't be asked about now is told later, after waits that grow.
FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0
GIVEN_UP_AFTER = 60.0
# An event that waited long for the database needs no longer a pause than others.
LONGEST_PAUSE: Final = 0.02


# An event that is told is like a request: it costs something whatever is selected.
MAKING: Final = 10
SHARING: Final = 1


class GivenUp(Exception):
    """The database was away for too long for an event to be told of it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that is live.

    `keys` are what it is known by for its events' bodies: what it selects, and the document that it
    was sent in. `price` is what one event costs to make.
    """

    scope: Scope
    request: GraphQLRequest
    executor: Executor[Any]
    context: Context
    keys: tuple[Hashable, Hashable]
    price: int
    seen: RequestRecord
    size: int


class Responder:
    """Answers the operations of one process's connections that stay."""

    def __init__(self, route: GraphQLRoute, connections: Connections) -> None:
        self.route = route
        self.connections = connections
        change = route.schema.get_type(Change.__name__)
        assert isinstance(change, GraphQLObjectType)
        self.change = change

    async def responses(self, scope: Scope, request: GraphQLRequest, token: str | None) -> Bodies:
        """The answers to an operation, as JSON.

        `RequestError` if it can't be executed, or not any longer, and `SignedOut` if the token opens
        nothing.
        """
        route, seen = self.route, request_record.current_record()
        prepared = await route.looked_up(scope, request, token, seen)
        if prepared.kind is not OperationType.SUBSCRIPTION:
            told, _ = await route.response(scope, request, token, prepared)
            yield route.response_sender.charge(_noted(seen, told))
            return
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                viewer = await authenticate(token, route.settings)
                if token and viewer is None:
                    raise SignedOut
                accepted = route.accept(scope, request, viewer, prepared)
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
            yield _noted(seen, route.body(scope, request, source))
            return
        assert isinstance(executor, Executor)
        keys, price = (
            self._keys(executor, request, context),
            self._price(accepted.prepared, request),
        )
        with self.connections.counted():
            subscription = Subscription(
                scope, request, executor, context, keys, price, seen, accepted.size
            )
            request_record.event_began()
            async with aclosing(self._bodies(subscription, source)) as bodies:
                async for body in bodies:
                    yield body

    async def _bodies(self, subscription: Subscription, source: Source) -> Bodies:
        """What each event gives; an error of the source itself is the last of them."""
        try:
            async with aclosing(source) as events:
                async for event in events:
                    request_record.event_began()
                    yield await self._told_of(subscription, event)
        except GivenUp:
            raise RequestError([error_entry(str(Unavailable()), Code.UNAVAILABLE)]) from None
        except Exception as error:
            result = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
            body = self.route.body(subscription.scope, subscription.request, result)
            yield _noted(subscription.seen, body)

    def _keys(
        self, executor: Executor[Any], request: GraphQLRequest, context: Context
    ) -> tuple[Hashable, Hashable]:
        """What is selected and may be seen, and the very request: the same where that is unclear."""
        viewer = context.viewer
        who = viewer and (viewer.id, viewer.is_superuser)
        variables = sha256(as_json(request.variables or {})).digest()
        sent = who, request.query, request.operation_name, variables
        selected = selection_digest(executor, self.change)
        return (who, selected) if selected else sent, sent

    def _price(self, prepared: Prepared, request: GraphQLRequest) -> int:
        """What an event costs to make: no more than may be used up at all."""
        cost = prepared.document.event_cost(prepared.operation.node, request.variables)
        return min(MAKING + cost, self.route.limits.limits[EVENTS])

    async def _told_of(self, subscription: Subscription, event: object) -> bytes:
        """What an event gives: once for all subscriptions of a viewer that select the same of it."""
        event_cache = subscription.context.event_cache
        if event_cache is None or not isinstance(event, Change):
            return (await self._made(subscription, event, asyncio.Lock())).body
        selected, sent = subscription.keys
        made = await self._shared(subscription, event, event_cache, selected)
        if made.document not in (None, sent):
            # Its errors tell of places in another document.
            made = await self._shared(subscription, event, event_cache, sent)
        return made.body

    async def _shared(
        self,
        subscription: Subscription,
        event: Change,
        event_cache: Callable[[], EventCache],
        of: Hashable,
    ) -> EventBody:
        """The body of an event for all with a key, once the viewer has that much left."""
        key = of, event.id, event.matches
        while True:
            shared = event_cache()
            task = shared.bodies.get(key)
            wait = self._wait(subscription, SHARING if task else subscription.price)
            if not wait:
                break
            # Somebody else may have made it by then.
            await asyncio.sleep(wait)
        if task is None:
            task = asyncio.create_task(self._made(subscription, event, shared.lock))
            shared.bodies.add(key, task)
        elif task.done():
            # Many may be made already, and others are to come in between.
            await asyncio.sleep(0)
        return await asyncio.shield(task)

    def _wait(self, subscription: Subscription, price: int) -> int:
        """Charge the viewer for an event; the seconds to wait if that is too much now."""
        caller = caller_of(subscription.seen)
        quota = self.route.limits.take(caller, EVENTS, price)
        return quota.wait if quota else 0

    async def _made(
        self, subscription: Subscription, event: object, turn: asyncio.Lock
    ) -> EventBody:
        result = await _lasting(subscription, event, turn)
        told = self.route.body(subscription.scope, subscription.request, result)
        if subscription.size > self.route.long_responses.at_once:
            await self.route.long_responses.complete(told, is_mutation=False)
        body = self.route.response_sender.charge(as_json(told), EVENTS)
        return EventBody(body, subscription.keys[1] if result.errors else None)


def _noted(seen: RequestRecord, body: dict[str, Any]) -> bytes:
    """A body as JSON, whose errors are those of the whole operation."""
    if "errors" in body:
        seen.error_codes = error_codes(body["errors"])
    return as_json(body)


async def _source(executor: Executor[Any] | list[GraphQLError]) -> Source | ExecutionResult:
    """The events that are subscribed to, or the errors why that can't be."""
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    source = create_source_event_stream(executor)
    if isinstance(source, Awaitable):
        source = await source
    assert isinstance(source, ExecutionResult | AsyncGenerator)
    return source


async def _lasting(
    subscription: Subscription, event: object, turn: asyncio.Lock
) -> ExecutionResult:
    """What an event gives once nothing in it fails for a cause that passes; `GivenUp` in the end."""
    began, wait = time.monotonic(), FIRST_WAIT
    while True:
        async with _in_turn(turn):
            subscription.context.use_event_loaders()
            result = await _executed(_for_event(subscription.executor, event))
            # Whoever waits for their next event keeps nothing of the last one.
            subscription.context.clear_loaders()
        if not any(is_temporary(error) for error in result.errors or ()):
            return result
        if time.monotonic() - began > GIVEN_UP_AFTER:
            raise GivenUp
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


@asynccontextmanager
async def _in_turn(turn: asyncio.Lock) -> AsyncGenerator[None, None]:
    """A block in which one event of an owner is executed; the next one waits for as long again.

    So the events of one owner, however many there are, take at most half of the time, and the
    requests of others are answered in between.
    """
    await turn.acquire()
    began = time.monotonic()
    try:
        yield
    finally:
        pause = min(time.monotonic() - began, LONGEST_PAUSE)
        asyncio.get_running_loop().call_later(pause, turn.release)


def _for_event(executor: Executor[Any], event: object) -> Executor[Any]:
    """An executor for one event, which leaves nothing behind.

    graphql-core's copies share what they remember of selections by the identity of lists that are
    made anew for each event, so that a subscription would keep some 10 KB of each for its whole life.
    """
    own = executor.build_per_event_executor(event)
    own._relevant_sub_fields = {}  # noqa: SLF001 - nothing public tells copies apart
    own._stream_usages = RefMap()  # noqa: SLF001 - the same
    return own


async def _executed(executor: Executor[Any]) -> ExecutionResult:
    try:
        async with asyncio.timeout(OPERATION_SECONDS):
            running = execute_subscription_event(executor)
            return await running if isinstance(running, Awaitable) else running
    except TimeoutError as error:
        return ExecutionResult(None, [GraphQLError(TIMEOUT_MESSAGE, original_error=error)])
