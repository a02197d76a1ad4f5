"""The endpoint of agents: signs in, checks and counts each request before the SDK answers it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context as ContextVariables
from http import HTTPStatus
from importlib import import_module
from typing import Any, Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_gql.api.errors import APIError, Code, is_temporary
from todo_gql.http.graphql.endpoint import CHALLENGE, GraphQLRoute
from todo_gql.http.graphql.request import BadRequest, check_head, parse_json, read_body
from todo_gql.http.graphql.request_reader import LARGE_BODY_BYTES
from todo_gql.http.graphql.response import NO_STORE, Headers
from todo_gql.http.graphql.results import RETRY_SOON, RequestError
from todo_gql.http.headers import headers_of
from todo_gql.http.mcp.calls import CALLER, Caller
from todo_gql.http.mcp.origins import is_trusted_origin
from todo_gql.observability.request_record import current_record
from todo_gql.security.authentication import Viewer, authenticate, cached_viewer

PATH: Final = "/mcp"
PROTOCOL: Final = "todo_gql.http.mcp.protocol"
# Their operations are counted when they run.
COUNTED_BY_OPERATION: Final = frozenset({"tools/call", "resources/list", "resources/read"})
# A challenge without an error for who sent no token (RFC 6750, section 3.1).
SIGN_IN: Final[Headers] = ((b"www-authenticate", b"Bearer"),)
INVALID_REQUEST, PARSE_ERROR, REFUSED = -32600, -32700, -32000
JSON: Final = (b"content-type", b"application/json")


class Refused(Exception):
    """A request that isn't passed on, with the status and the error of JSON-RPC that answer it."""

    def __init__(
        self,
        status: int,
        message: str,
        code: Code,
        headers: Headers = (),
        *,
        number: int = REFUSED,
        **extensions: object,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        data = {"code": code, **extensions}
        self.error = {"code": number, "message": message, "data": data}


class InvalidMessage(BadRequest):
    """A body that is JSON, but no message of JSON-RPC."""


class AgentsEndpoint:
    """Answers MCP requests by POST. The SDK is imported with the first one."""

    def __init__(self, route: GraphQLRoute) -> None:
        self.route = route
        self.settings = route.settings
        self._starting: asyncio.Task[ASGIApp] | None = None
        self._serving: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Stop what the first request has started when the block ends."""
        try:
            yield
        finally:
            for task in (self._starting, self._serving):
                if task:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            viewer, caller, body = await self._accepted(scope, receive)
        except Refused as refused:
            await _send_refusal(send, refused)
            return
        except ConnectionResetError:
            return
        scope[CALLER] = caller
        current_record().user_id = viewer.id
        app = await self._app()
        await app(scope, _replay(body, receive), _with_headers(send, caller))

    async def _accepted(self, scope: Scope, receive: Receive) -> tuple[Viewer, Caller, bytes]:
        """Who sends a request, and its body, which is JSON; raises Refused."""
        if scope["method"] != "POST":
            message = "Send each message by POST: the server keeps no sessions and sends no events."
            raise Refused(405, message, Code.BAD_USER_INPUT, ((b"allow", b"POST"),))
        if not is_trusted_origin(scope, self.settings):
            message = "This origin is not among BACKEND_CORS_ORIGINS."
            raise Refused(403, message, Code.FORBIDDEN)
        token = headers_of(scope).token
        viewer = await self._viewer(scope, token)
        assert token is not None
        try:
            check_head(headers_of(scope), self.settings.max_body_bytes)
            body = await read_body(receive, self.settings.max_body_bytes)
            method = await self._method(viewer, body)
        except BadRequest as error:
            await self._count(scope, viewer, is_failure=error.status == HTTPStatus.BAD_REQUEST)
            is_json = isinstance(error, InvalidMessage) or error.status != HTTPStatus.BAD_REQUEST
            number = INVALID_REQUEST if is_json else PARSE_ERROR
            raise Refused(error.status, str(error), error.code, number=number) from None
        if method not in COUNTED_BY_OPERATION:
            await self._count(scope, viewer, is_failure=False)
        return viewer, Caller(token, viewer.grant, len(body)), body

    async def _viewer(self, scope: Scope, token: str | None) -> Viewer:
        try:
            viewer = cached_viewer(token) or await authenticate(token, self.settings)
        except Exception as error:
            if not is_temporary(error):
                raise
            code = error.code if isinstance(error, APIError) else Code.UNAVAILABLE
            message = "The database can't be reached: try again soon."
            raise Refused(503, message, code, (RETRY_SOON,)) from None
        if viewer:
            return viewer
        await self._count(scope, None, is_failure=False)
        if token is None:
            message = "Send an API token: Authorization: Bearer …"
            raise Refused(401, message, Code.UNAUTHENTICATED, SIGN_IN)
        message = "The token is invalid, has expired or was revoked."
        raise Refused(401, message, Code.UNAUTHENTICATED, CHALLENGE)

    async def _method(self, viewer: Viewer, body: bytes) -> str | None:
        """The method of a message; a large one is read when it is the sender's turn."""
        if len(body) <= LARGE_BODY_BYTES:
            return _method_of(body)
        async with self.route.reader.large_bodies.turn(viewer.id.int):
            return _method_of(body)

    async def _count(self, scope: Scope, viewer: Viewer | None, *, is_failure: bool) -> None:
        """Count a request for its user, or else its address; raises Refused if that is one too many."""
        rate_limit = self.route.rate_limits.of_viewer(scope, viewer)
        try:
            if is_failure:
                self.route.rate_limits.charge(rate_limit)
            else:
                self.route.rate_limits.count(rate_limit)
        except RequestError as error:
            entry = error.errors[0]
            raise Refused(
                error.status, entry["message"], headers=error.headers, **entry["extensions"]
            ) from None

    async def _app(self) -> ASGIApp:
        if self._starting is None or (self._serving is not None and self._serving.done()):
            # No variables of the request that happens to be the first.
            create = asyncio.get_running_loop().create_task
            self._starting = create(self._start(), context=ContextVariables())
        return await asyncio.shield(self._starting)

    async def _start(self) -> ASGIApp:
        # It takes half a second, during which others are answered.
        protocol = await asyncio.to_thread(import_module, PROTOCOL)
        manager = await asyncio.to_thread(
            protocol.session_manager, self.route, self.settings.max_body_bytes
        )
        started = asyncio.Event()
        self._serving = asyncio.create_task(_serve(manager, started))
        await started.wait()
        app: ASGIApp = manager.handle_request
        return app


async def _serve(manager: Any, started: asyncio.Event) -> None:
    async with manager.run():
        started.set()
        await asyncio.Event().wait()


def _method_of(body: bytes) -> str | None:
    """The method of a JSON-RPC message, None for a response.

    Raises BadRequest for invalid JSON, and InvalidMessage for what is no message, which the SDK would
    take for a notification in some revisions.
    """
    message = parse_json(body, "body")
    if not isinstance(message, dict):
        raise InvalidMessage(400, "Send one message of JSON-RPC, which is an object.")
    if "id" in message and type(message["id"]) not in {str, int}:
        raise InvalidMessage(400, "The id of a request is a string or an integer.")
    method = message.get("method")
    if not isinstance(method, str | None):
        raise InvalidMessage(400, "The method of a request is a string.")
    return method


def _replay(body: bytes, receive: Receive) -> Receive:
    """`receive` of a request whose body was read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _with_headers(send: Send, caller: Caller) -> Send:
    """`send` that adds what the operation says about limits, and that nothing may be stored."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *caller.headers, NO_STORE]
        await send(message)

    return send_with_headers


async def _send_refusal(send: Send, refused: Refused) -> None:
    body = orjson.dumps({"jsonrpc": "2.0", "id": None, "error": refused.error})
    length = (b"content-length", b"%d" % len(body))
    headers = [JSON, length, NO_STORE, *refused.headers]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
