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
from todo_gql.http.graphql.endpoint import SignedOut, challenge_to
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
from todo_gql.security.authentication import access_ends_at, authenticate
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
    # Else nginx buffers events before it passes them on.
    (b"x-accel-buffering", b"no"),
]


class EventStreams:
    """Answers with event streams where the client prefers them; the GraphQL route answers all others."""

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
                outcome = await self.route.response(scope, request, token)
                answer = operation_response(*outcome, accept.answer_type)
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
        """Send a stream, or return the response that says why there is none; raises BadRequest."""
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
            # The code that answers it counts it.
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
            stream.expires_at = access_ends_at(viewer, stream.token, self.settings)
        elif stream.token:
            stream.challenge, stream.token = challenge_to(stream.token), None
        client = stream.scope.get("client") or [""]
        caller = ("event streams", viewer.caller if viewer else client[0])
        connection = OpenConnection(viewer, stream.expires_at, stream.end_as_signed_out)
        with self.connections.limited(
            connection, caller, self.settings.subscriptions_per_connection
        ):
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
        self.expires_at = math.inf
        self.challenge: Headers = ()
        self.ended = asyncio.Event()
        self.final_events = b""

    def end_as_signed_out(self) -> None:
        """End the stream because the session is over, or its token has expired.

        An expired token ends the stream without `complete`, so that clients reconnect with a new one.
        """
        error = error_entry(str(Unauthenticated()), Code.UNAUTHENTICATED)
        self.final_events = _event(as_json({"errors": [error]}))
        if self.expires_at > time.time():
            self.final_events += COMPLETE
        self.ended.set()

    async def run(self, request: GraphQLRequest) -> None:
        """Send the responses to an operation until the last one, or until the client disconnects."""
        connection = connection_of(self.scope)
        if connection:
            connection.on_shutdown = self.ended.set
        headers = [*HEADERS, *self.challenge]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            await self._send_chunk(HEARTBEAT)
            await _run_until_first_ends(
                self._produce(request),
                self._send_heartbeats(),
                self._wait_for_disconnect(),
                self.ended.wait(),
            )
            await self._send_chunk(self.final_events, more=False)
        except TimeoutError:
            logger.info("an event stream is cut, since its client doesn't read")
            if connection:
                connection.abort()

    async def _produce(self, request: GraphQLRequest) -> None:
        record = current_record()
        record.transport = "event_stream"
        answers = self.server.subscription_executor.responses(self.scope, request, self.token)
        try:
            async with aclosing(answers) as bodies:
                async for body in bodies:
                    await self._send_chunk(_event(body))
        except SignedOut:
            self.end_as_signed_out()
            return
        except RequestError as error:
            record.error_codes = error_codes(error.errors)
            await self._send_chunk(_event(as_json({"errors": error.errors})))
        await self._send_chunk(COMPLETE)

    async def _send_heartbeats(self) -> None:
        """Send heartbeats, so that neither the client nor a proxy closes the stream as idle."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._send_chunk(HEARTBEAT)

    async def _wait_for_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _send_chunk(self, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self.send({"type": "http.response.body", "body": body, "more_body": more})


def _event(body: bytes) -> bytes:
    return b"event: next\ndata: " + body + b"\n\n"


async def _run_until_first_ends(*coroutines: Coroutine[Any, Any, object]) -> None:
    """Run these until the first one ends, cancel the others, and raise the first one's exception."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
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
