"""GraphQL over WebSocket, by the protocol graphql-transport-ws."""

import asyncio
import logging
import math
import time
from contextlib import ExitStack, aclosing, suppress
from time import perf_counter
from typing import Any

from starlette.types import Receive, Scope, Send
from uuid_utils import uuid4

from todo_gql.api.errors import INTERNAL_MESSAGE, Code, is_temporary
from todo_gql.documents.parsing import ErrorEntry, error_codes, error_entry
from todo_gql.http.graphql.connection_init import token_in
from todo_gql.http.graphql.connections import Connections, OpenConnection, TooManyConnections
from todo_gql.http.graphql.endpoint import SignedOut
from todo_gql.http.graphql.origins import REFUSED, is_allowed_origin
from todo_gql.http.graphql.request import BadRequest, GraphQLRequest
from todo_gql.http.graphql.request_reader import LARGE_BODY_BYTES
from todo_gql.http.graphql.response import as_json
from todo_gql.http.graphql.results import RequestError
from todo_gql.http.graphql.subscriptions import SubscriptionExecutor
from todo_gql.http.graphql.transport_ws import (
    PROTOCOL,
    ClientMessage,
    CloseCode,
    CloseConnection,
    parse_message,
)
from todo_gql.http.headers import headers_of
from todo_gql.http.monitoring.observer import Observer
from todo_gql.http.server_extensions import connection_of
from todo_gql.observability import request_record
from todo_gql.observability.request_record import RequestRecord
from todo_gql.security.authentication import (
    Viewer,
    access_ends_at,
    authenticate,
    cached_viewer,
)
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

INITIALISATION_SECONDS = 5.0
# A client that reads nothing for so long is disconnected.
SEND_SECONDS = 10.0
CLOSE_SECONDS = 1.0
ALLOWED_BEFORE_INIT = {"ping", "pong", "complete"}
INTERNAL_REASON = "An unexpected error occurred in the server."
SIGNED_OUT_REASON = "The access token is invalid or has expired: connect again with a new one."


class WebSockets:
    """The endpoint of WebSockets that speak graphql-transport-ws."""

    def __init__(
        self,
        subscription_executor: SubscriptionExecutor,
        connections: Connections,
        settings: Settings,
        observer: Observer | None = None,
    ) -> None:
        self.subscription_executor = subscription_executor
        self.observer = observer or Observer()
        self.trusted = subscription_executor.route.reader.trusted
        self.connections = connections
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        with suppress(OSError):
            await receive()
            if not is_allowed_origin(scope, self.settings):
                await _refuse(scope, send)
                return
            offered = scope["subprotocols"]
            if PROTOCOL not in offered:
                # A browser reports the close code only if the server selects a subprotocol that it offered.
                await send({"type": "websocket.accept", "subprotocol": next(iter(offered), None)})
                reason = f"Use the subprotocol {PROTOCOL}."
                code = CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE
                await send({"type": "websocket.close", "code": code, "reason": reason})
                return
            await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
            await WebSocket(self, scope, receive, send).serve()


async def _refuse(scope: Scope, send: Send) -> None:
    """Reject the handshake with status 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    scope[REFUSED] = request_id = str(uuid4())
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"x-request-id", request_id.encode()),
    ]
    start = {"type": "websocket.http.response.start", "status": 403, "headers": headers}
    await send(start)
    body = b"This origin is not among BACKEND_CORS_ORIGINS.\n"
    await send({"type": "websocket.http.response.body", "body": body})


class WebSocket:
    """One client's WebSocket, and the operations that run on it."""

    def __init__(self, server: WebSockets, scope: Scope, receive: Receive, send: Send) -> None:
        self.server = server
        self.scope = scope
        self.receive = receive
        self.send = send
        self.token = headers_of(scope).token
        self.expires_at = math.inf
        self.operations: dict[str, asyncio.Task[None]] = {}
        self.closing: CloseConnection | None = None
        self.task: asyncio.Task[Any] | None = None

    async def serve(self) -> None:
        """Handle messages until the client disconnects or has to be disconnected."""
        self.task = asyncio.current_task()
        try:
            await self._listen()
        finally:
            # From here on this task may not be cancelled, and no operation has a client.
            self.task = None
            for task in self.operations.values():
                task.cancel()
        await asyncio.gather(*self.operations.values(), return_exceptions=True)
        if self.closing:
            await self._close(self.closing)

    async def _listen(self) -> None:
        """Receive messages until the client disconnects, or `closing` says why it has to."""
        try:
            with ExitStack() as registered:
                await self._initialise(registered)
                while message := await self._next():
                    await self._handle(message)
                    # Many may have arrived together; the operations that they start begin one by one.
                    await asyncio.sleep(0)
        except CloseConnection as closing:
            self.closing = closing
        except asyncio.CancelledError:
            if self.closing is None or self.task is None:
                raise
            self.task.uncancel()
        except OSError:
            logger.debug("the client went away")
        except Exception:
            logger.exception("a WebSocket failed")
            self.closing = CloseConnection(CloseCode.INTERNAL_ERROR, INTERNAL_REASON)

    def end(self, closing: CloseConnection) -> None:
        """Close the connection from another task than `serve`."""
        if self.closing is None and self.task:
            self.closing = closing
            self.task.cancel()

    async def _close(self, closing: CloseConnection) -> None:
        logger.info("a WebSocket is closed with %d: %s", closing.code, closing.reason)
        message = {"type": "websocket.close", "code": closing.code, "reason": closing.reason}
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.send(message)
        except TimeoutError:
            if connection := connection_of(self.scope):
                connection.abort()

    async def _next(self) -> ClientMessage | None:
        # Many may have arrived together, each of them expensive: let other tasks run in between.
        await asyncio.sleep(0)
        message = await self.receive()
        if message["type"] == "websocket.disconnect":
            return None
        if len(message.get("text") or "") <= LARGE_BODY_BYTES:
            return parse_message(message, self.server.trusted)
        route = self.server.subscription_executor.route
        sender = route.rate_limits.of_viewer(self.scope, cached_viewer(self.token)).sender
        async with route.reader.large_bodies.turn(sender):
            return parse_message(message, self.server.trusted)

    async def _initialise(self, registered: ExitStack) -> None:
        """Wait for connection_init; raises CloseConnection unless it is acknowledged."""
        try:
            async with asyncio.timeout(INITIALISATION_SECONDS):
                # A complete may arrive after its operation has ended; it has no effect.
                while (message := await self._next()) and message.type in ALLOWED_BEFORE_INIT:
                    await self._pong(message)
        except TimeoutError:
            reason = f"Send connection_init within {INITIALISATION_SECONDS:.0f} s."
            raise CloseConnection(CloseCode.INITIALISATION_TIMEOUT, reason) from None
        if message is None:
            raise ConnectionResetError
        if message.type != "connection_init":
            raise CloseConnection(CloseCode.UNAUTHORIZED, "Send connection_init first.")
        viewer = await self._viewer(message)
        connection = OpenConnection(
            viewer,
            self.expires_at,
            lambda: self.end(CloseConnection(CloseCode.FORBIDDEN, SIGNED_OUT_REASON)),
        )
        client = self.scope.get("client") or [""]
        try:
            most = self.server.settings.connections_per_user
            registered.enter_context(
                self.server.connections.limited(
                    connection, viewer.caller if viewer else client[0], most
                )
            )
        except TooManyConnections:
            reason = f"One user may have at most {most} connections at a time."
            raise CloseConnection(CloseCode.TRY_AGAIN_LATER, reason) from None
        await self._send_json({"type": "connection_ack"})

    async def _viewer(self, message: ClientMessage) -> Viewer | None:
        """Authenticate connection_init; raises CloseConnection if its token is invalid."""
        try:
            self.token = token_in(message.payload) or self.token
            viewer = await authenticate(self.token, self.server.settings)
        except BadRequest as error:
            raise CloseConnection(CloseCode.BAD_REQUEST, str(error)) from None
        except Exception as error:
            if is_temporary(error):
                raise CloseConnection(
                    CloseCode.TRY_AGAIN_LATER, "The database can't be reached."
                ) from None
            raise
        if viewer is None and self.token:
            raise CloseConnection(CloseCode.FORBIDDEN, SIGNED_OUT_REASON)
        if viewer and self.token:
            self.expires_at = access_ends_at(viewer, self.token, self.server.settings)
        return viewer

    async def _pong(self, message: ClientMessage) -> None:
        if message.type == "ping":
            payload = {} if message.payload is None else {"payload": message.payload}
            await self._send_json({"type": "pong", **payload})

    async def _handle(self, message: ClientMessage) -> None:
        match message.type:
            case "connection_init":
                reason = "Send connection_init only once."
                raise CloseConnection(CloseCode.TOO_MANY_INITIALISATIONS, reason)
            case "subscribe":
                assert message.request
                await self._begin(message.id, message.request)
            case "complete":
                if task := self.operations.pop(message.id, None):
                    task.cancel()
            case _:
                await self._pong(message)

    async def _begin(self, id: str, request: GraphQLRequest | BadRequest) -> None:
        if self.expires_at <= time.time():
            # The periodic check may come later; without this, the operation would run as anonymous.
            raise CloseConnection(CloseCode.FORBIDDEN, SIGNED_OUT_REASON)
        if id in self.operations:
            raise CloseConnection(
                CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {id} already exists."
            )
        most = self.server.settings.subscriptions_per_connection
        if len(self.operations) >= most:
            message = (
                f"A connection may have at most {most} operations at a time: complete one first."
            )
            await self._send_errors(id, [error_entry(message, Code.RATE_LIMITED)])
            return
        self.operations[id] = asyncio.create_task(self._operate(id, request))

    async def _operate(self, id: str, request: GraphQLRequest | BadRequest) -> None:
        """Send the responses to an operation until the last one."""
        began = perf_counter()
        record = self.server.observer.began(str(uuid4()))
        record.transport = "websocket"
        request_record.current.set(record)
        try:
            errors = await self._answer(id, request, record)
            self.operations.pop(id)
            if errors:
                record.error_codes = error_codes(errors)
                await self._send_errors(id, errors)
            else:
                await self._send_json({"id": id, "type": "complete"})
        except OSError:
            # The client has disconnected, which `serve` notices too.
            return
        finally:
            self.server.observer.operation_ended(record, perf_counter() - began)

    async def _answer(
        self, id: str, request: GraphQLRequest | BadRequest, record: RequestRecord
    ) -> list[ErrorEntry]:
        """Send the responses to an operation; returns the errors of one that can't be executed.

        The other operations of the connection are not affected.
        """
        if isinstance(request, BadRequest):
            route = self.server.subscription_executor.route
            try:
                route.rate_limits.charge(await route.rate_limits.of_token(self.scope, self.token))
            except RequestError as error:
                return error.errors
            return request.errors
        record.sensitive_values = (self.token, request.variables)
        scope = {**self.scope, "state": {"request_id": record.request_id}}
        answers = self.server.subscription_executor.responses(scope, request, self.token)
        head = as_json({"id": id, "type": "next"})[:-1] + b',"payload":'
        try:
            async with aclosing(answers) as bodies:
                async for body in bodies:
                    await self._send(head + body + b"}")
        except RequestError as error:
            return error.errors
        except SignedOut:
            self.end(CloseConnection(CloseCode.FORBIDDEN, SIGNED_OUT_REASON))
            raise ConnectionResetError from None
        except OSError:
            raise
        except Exception:
            logger.exception("an operation on a WebSocket failed")
            return [error_entry(INTERNAL_MESSAGE, Code.INTERNAL, requestId=record.request_id)]
        return []

    async def _send_errors(self, id: str, errors: list[dict[str, Any]]) -> None:
        await self._send_json({"id": id, "type": "error", "payload": errors})

    async def _send_json(self, message: dict[str, Any]) -> None:
        await self._send(as_json(message))

    async def _send(self, message: bytes) -> None:
        """Send a message; the connection is closed if the client doesn't read it in SEND_SECONDS."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send({"type": "websocket.send", "text": message.decode()})
        except TimeoutError:
            slow = CloseConnection(CloseCode.TRY_AGAIN_LATER, "You read too slowly.")
            if asyncio.current_task() is self.task:
                raise slow from None
            self.end(slow)
            raise ConnectionResetError from None
