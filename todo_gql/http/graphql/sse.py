"""GraphQL over server-sent events, in distinct connections mode.

Follows https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from graphql import OperationType
from starlette.types import Receive, Scope, Send

from todo_gql.api.errors import Code, RateLimited, Unauthenticated, Unavailable, is_temporary
from todo_gql.documents.parsing import error_codes, error_entry
from todo_gql.http.graphql.connections import Connections, OpenConnection, TooManyConnections
from todo_gql.http.graphql.endpoint import CHALLENGE, SignedOut
from todo_gql.http.graphql.origins import is_allowed_origin
from todo_gql.http.graphql.request import BadRequest, GraphQLRequest
from todo_gql.http.graphql.response import GraphQLResponse, Headers, as_json
from todo_gql.http.graphql.results import (
    RETRY_SOON,
    RequestError,
    bad_request_response,
    operation_response,
    request_error_response,
)
from todo_gql.http.graphql.subscriptions import SubscriptionExecutor
from todo_gql.http.headers import headers_of
from todo_gql.http.negotiation import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    Accepted,
    prefers_events,
)
from todo_gql.http.server_extensions import connection_of
from todo_gql.observability.request_record import current_record
from todo_gql.security.authentication import authenticate
from todo_gql.security.tokens import good_until
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 12.0
SEND_SECONDS = 10.0
HEARTBEAT = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"Accept"),
    # nginx would gather events before it passes them on.
    (b"x-accel-buffering", b"no"),
]


class EventStreams:
    """Answers with event streams who prefers that, and leaves all else to the GraphQL route."""

    def __init__(
        self,
        subscription_executor: SubscriptionExecutor,
        connections: Connections,
        settings: Settings,
    ) -> None:
        self.route = subscription_executor.route
        self.subscription_executor = subscription_executor
        self.connections = connections
        self.settings = settings

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one HTTP request."""
        accept = headers_of(scope).accepted
        if accept.mentions_events:
            return self._choose(scope, receive, send, accept)
        return self.route(scope, receive, send)

    async def _choose(self, scope: Scope, receive: Receive, send: Send, accept: Accepted) -> None:
        """Answer a request that may be for an event stream."""
        headers = headers_of(scope)
        token = headers.token
        try:
            request = await self.route.reader.read(scope, receive, headers)
            if prefers_events(accept.text, endless=await self._is_endless(scope, request, token)):
                stream = EventStream(self, scope, receive, send, token)
                answer = await self._streamed_if_allowed(stream, request)
            elif accept.answer_type is None:
                raise BadRequest(
                    406,
                    f"The response is {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}: accept one of"
                    " them.",
                )
            else:
                told = await self.route.response(scope, request, token)
                answer = operation_response(*told, accept.answer_type)
        except BadRequest as error:
            answer = bad_request_response(error, await self.route.challenge(token))
        except RequestError as error:
            answer = request_error_response(error, accept.answer_type or JSON)
        except ConnectionResetError:
            return
        if answer:
            await self.route.response_sender.send(scope, send, answer, accept.answer_type or JSON)

    async def _streamed_if_allowed(
        self, stream: "EventStream", request: GraphQLRequest
    ) -> GraphQLResponse | None:
        """Send a stream, or give the answer that says why there is none."""
        if not is_allowed_origin(stream.scope, self.settings):
            raise BadRequest(403, "This origin is not among BACKEND_CORS_ORIGINS.")
        try:
            return await self._streamed(stream, request)
        except TooManyConnections:
            most = self.settings.subscriptions_per_connection
            message = f"One user may have at most {most} event streams at a time: close one first."
            error = error_entry(message, Code.RATE_LIMITED)
            return GraphQLResponse(429, {"errors": [error]}, (RETRY_SOON, *stream.challenge))

    async def _is_endless(self, scope: Scope, request: GraphQLRequest, token: str | None) -> bool:
        rate_limit = await self.route.rate_limits.of_token(scope, token)
        try:
            prepared = await self.route.executable_in_turn(
                scope, request, current_record(), rate_limit
            )
        except (RateLimited, RequestError):
            # Whoever answers it counts it.
            return False
        return prepared.kind is OperationType.SUBSCRIPTION

    async def _streamed(
        self, stream: "EventStream", request: GraphQLRequest
    ) -> GraphQLResponse | None:
        try:
            viewer = await authenticate(stream.token, self.settings)
        except Exception as error:
            if not is_temporary(error):
                raise
            body = {"errors": [error_entry(str(Unavailable()), Code.UNAVAILABLE)]}
            return GraphQLResponse(503, body, (RETRY_SOON,))
        if viewer and stream.token:
            stream.good_until = good_until(stream.token, self.settings)
        elif stream.token:
            stream.challenge, stream.token = CHALLENGE, None
        client = stream.scope.get("client") or [""]
        who = ("event streams", viewer.id if viewer else client[0])
        connection = OpenConnection(viewer, stream.good_until, stream.end_as_signed_out)
        with self.connections.limited(connection, who, self.settings.subscriptions_per_connection):
            await stream.run(request)
        return None


class EventStream:
    """One stream of events."""

    def __init__(
        self,
        server: EventStreams,
        scope: Scope,
        receive: Receive,
        send: Send,
        token: str | None,
    ) -> None:
        self.server = server
        self.scope = scope
        self.receive = receive
        self.send = send
        self.token = token
        self.good_until = math.inf
        self.challenge: Headers = ()
        self.ended = asyncio.Event()
        self.last_words = b""

    def end_as_signed_out(self) -> None:
        """End the stream because the session is over, or its token has expired.

        Clients take what is complete as final, and come back with the newest token otherwise.
        """
        error = error_entry(str(Unauthenticated()), Code.UNAUTHENTICATED)
        self.last_words = _event(as_json({"errors": [error]}))
        if self.good_until > time.time():
            self.last_words += COMPLETE
        self.ended.set()

    async def run(self, request: GraphQLRequest) -> None:
        """Send the answers to an operation until there are no more, or the client is gone."""
        connection = connection_of(self.scope)
        if connection:
            connection.on_shutdown = self.ended.set
        headers = [*HEADERS, *self.challenge]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            await self._tell(HEARTBEAT)
            await _first(self._produce(request), self._beat(), self._gone(), self.ended.wait())
            await self._tell(self.last_words, more=False)
        except TimeoutError:
            logger.info("an event stream is cut, since its client doesn't read")
            if connection:
                connection.abort()

    async def _produce(self, request: GraphQLRequest) -> None:
        seen = current_record()
        seen.transport = "event_stream"
        answers = self.server.subscription_executor.responses(self.scope, request, self.token)
        try:
            async with aclosing(answers) as bodies:
                async for body in bodies:
                    await self._tell(_event(body))
        except SignedOut:
            self.end_as_signed_out()
            return
        except RequestError as error:
            seen.error_codes = error_codes(error.errors)
            await self._tell(_event(as_json({"errors": error.errors})))
        await self._tell(COMPLETE)

    async def _beat(self) -> None:
        """Let the client and what lies between know that the stream lives."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._tell(HEARTBEAT)

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _tell(self, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self.send({"type": "http.response.body", "body": body, "more_body": more})


def _event(body: bytes) -> bytes:
    return b"event: next\ndata: " + body + b"\n\n"


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Do all of these until the first has ended, whose error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task
