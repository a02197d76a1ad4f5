"""The GraphQL route, as plain ASGI: a stock view would cost more than most operations."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
)
from starlette.types import Receive, Scope, Send

from todo_gql.auth import authenticate
from todo_gql.context import Context
from todo_gql.documents.reading import MAX_ERRORS, Document, Documents, Entry, plain_error
from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.errors import TIMEOUT_MESSAGE, Code, RateLimited, formatted, unexpected
from todo_gql.execution import Engine, Operation
from todo_gql.http.deadline import Deadline
from todo_gql.http.meter import Meter
from todo_gql.http.negotiation import GRAPHQL_RESPONSE, JSON, answer_type, prefers_html
from todo_gql.http.request import (
    BadRequest,
    GraphQLRequest,
    bearer_token,
    from_body,
    from_query_string,
    header,
)
from todo_gql.rate_limits import RateLimits
from todo_gql.scalars import SERIALIZERS
from todo_gql.settings import Settings
from todo_gql.telemetry import observation

logger = logging.getLogger(__name__)

OPERATION_SECONDS = 10
OPERATIONS_KEPT = 500
LONGEST_KEPT = 10_000

Page = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, a body, and headers of its own."""

    status: int
    body: dict[str, Any]
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Prepared(NamedTuple):
    """A document that keeps to the limits, and the operation of it that is to be executed."""

    document: Document
    operation: Operation


class RequestError(Exception):
    """A GraphQL request that can't be executed, with its errors as the client sees them."""

    def __init__(self, errors: list[Entry]) -> None:
        self.errors = errors


class GraphQLRoute:
    """Answers GraphQL requests, and shows `page` to browsers, if there is one."""

    def __init__(
        self, schema: GraphQLSchema, settings: Settings, limits: RateLimits, page: Page | None
    ) -> None:
        self.schema = schema
        self.settings = settings
        self.limits = limits
        self.page = page
        breadth_first = settings.execution_engine == "breadth-first"
        self.engine = Engine(
            schema,
            SERIALIZERS,
            breadth_first=breadth_first,
            hide_suggestions=not settings.has_introspection,
        )
        self.operation = lru_cache(OPERATIONS_KEPT)(self._operation)
        self.trusted = TrustedDocuments.of(settings)
        self.documents = Documents(schema, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        accept = header(scope, b"accept")
        is_visit = scope["method"] == "GET" and not scope["query_string"]
        if self.page and is_visit and prefers_html(accept):
            await self.page(scope, receive, send)
            return
        media_type = answer_type(accept)
        try:
            if media_type is None:
                raise BadRequest(406, f"Answers are {GRAPHQL_RESPONSE} or {JSON}.")
            request = await self._request(scope, receive)
            answer = await self._answer(scope, request, strict=media_type == GRAPHQL_RESPONSE)
        except BadRequest as error:
            headers = tuple((k.encode(), v.encode()) for k, v in error.headers.items())
            body = {"errors": [plain_error(str(error), error.code)]}
            answer = Answer(error.status, body, headers)
        except ConnectionResetError:
            return
        if "errors" in answer.body:
            observation.failed(_codes(answer.body))
        await _send(send, answer, media_type or JSON)

    async def _request(self, scope: Scope, receive: Receive) -> GraphQLRequest:
        match scope["method"]:
            case "POST":
                limit = self.settings.max_body_bytes
                return await from_body(scope, receive, limit, self.trusted)
            case "GET":
                return from_query_string(scope, self.trusted)
        raise BadRequest(405, "Use POST, or GET for queries.", Allow="GET, POST")

    def _operation(self, text: str, name: str | None) -> Prepared | list[Entry]:
        """The operation of a document, ready to be executed, or the errors that prevent it."""
        document = self.documents.read(text)
        if isinstance(document, list):
            return document
        operation = self.engine.prepare(document.node, name)
        if operation is None:
            message = "Name one of the document's operations in operationName."
            return [plain_error(message, Code.GRAPHQL_VALIDATION_FAILED)]
        return Prepared(document, operation)

    def _executable(self, scope: Scope, request: GraphQLRequest) -> Prepared:
        keep = len(request.query) + len(request.operation_name or "") <= LONGEST_KEPT
        look_up = self.operation if keep else self._operation
        prepared = look_up(request.query, request.operation_name)
        if isinstance(prepared, list):
            raise RequestError(prepared)
        operation = prepared.operation
        if scope["method"] == "GET" and operation.type is not OperationType.QUERY:
            raise BadRequest(405, "A GET only reads: send mutations by POST.", Allow="POST")
        named = operation.node.name
        observation.operation_began(named.value if named else "", operation.type.value)
        return prepared

    async def _answer(self, scope: Scope, request: GraphQLRequest, *, strict: bool) -> Answer:
        """The answer; `strict` lets the status tell of errors, as the newer media type does."""
        token, request_id = bearer_token(scope), scope.get("state", {}).get("request_id", "")
        observation.received(token, request.variables)
        limit = Deadline(OPERATION_SECONDS)
        meter: Meter | None = None
        extensions: dict[str, Any] = {}
        try:
            async with limit:
                context = await self._context(scope, token)
                viewer_id = context.viewer.id if context.viewer else None
                meter = Meter(self.limits, viewer_id, context.ip_address)
                meter.count_request()
                document, operation = self._executable(scope, request)
                cost = document.cost(operation.node, request.variables)
                observation.cost_known(cost)
                if error := document.too_expensive(cost):
                    raise RequestError([error])
                extensions = {"cost": {"requested": cost, "limit": document.max_cost}}
                meter.count_cost(cost)
                result = await self.engine.execute(
                    operation, context=context, variables=request.variables
                )
        except BadRequest:
            raise
        except (RequestError, RateLimited) as error:
            return _refused(error, meter, strict)
        except Exception as error:
            if limit.expired():
                timeout = RequestError([plain_error(TIMEOUT_MESSAGE, Code.TIMEOUT)])
                return _refused(timeout, meter, strict)
            result = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        body: dict[str, Any] = {}
        if result.errors:
            for cause in unexpected(result.errors):
                logger.error("operation failed", exc_info=cause)
            entries = [formatted(e, request_id) for e in result.errors[:MAX_ERRORS]]
            body["errors"] = self.documents.told(entries, request.query, request.variables)
        if result.data is not None or any(error.path for error in result.errors or ()):
            body["data"] = result.data
        if extensions:
            body["extensions"] = extensions
        headers = (*_headers(body, token), *(meter.headers if meter else ()))
        return Answer(_status(body, strict), body, headers)

    async def _context(self, scope: Scope, token: str | None) -> Context:
        viewer = await authenticate(token, self.settings)
        if viewer:
            observation.viewer_known(viewer.id)
        return Context(
            settings=self.settings,
            limits=self.limits,
            viewer=viewer,
            user_agent=header(scope, b"user-agent"),
            ip_address=scope["client"][0] if scope.get("client") else None,
        )


def _refused(error: RequestError | RateLimited, meter: Meter | None, strict: bool) -> Answer:
    """The answer to an operation that isn't executed."""
    headers = tuple(meter.headers) if meter else ()
    if isinstance(error, RateLimited):
        entry = plain_error(str(error), error.code, **error.extensions)
        return Answer(429, {"errors": [entry]}, headers)
    return Answer(400 if strict else 200, {"errors": error.errors}, headers)


def _codes(body: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in body.get("errors", ())}


def _status(body: dict[str, Any], strict: bool) -> int:
    data = body.get("data")
    nothing = data is None or all(value is None for value in data.values())
    codes = _codes(body)
    if nothing and Code.UNAVAILABLE in codes:
        return 503
    if not strict or data is not None:
        return 200
    if "data" not in body:
        return 500 if Code.INTERNAL in codes else 400
    return 401 if Code.UNAUTHENTICATED in codes else 200


def _headers(body: dict[str, Any], token: str | None) -> tuple[tuple[bytes, bytes], ...]:
    codes = _codes(body)
    if Code.UNAUTHENTICATED in codes and token:
        return ((b"www-authenticate", b'Bearer error="invalid_token"'),)
    return ((b"retry-after", b"1"),) if Code.UNAVAILABLE in codes else ()


def _as_json(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # An id that a client sent may hold lone surrogates, which orjson refuses to give back.
        return json.dumps(body).encode()


async def _send(send: Send, answer: Answer, media_type: str) -> None:
    body = _as_json(answer.body)
    headers = [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
