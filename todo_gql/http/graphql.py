"""The GraphQL route, as plain ASGI: a stock view would cost more than most operations."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
)
from starlette.types import Receive, Scope, Send

from todo_gql.auth import authenticate
from todo_gql.context import Context
from todo_gql.documents.reading import MAX_ERRORS, Document, Documents, Entry, plain_error
from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.errors import TIMEOUT_MESSAGE, Code, RateLimited, formatted, unexpected
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
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

OPERATION_SECONDS = 10
DOCUMENTS_KEPT = 500
LONGEST_KEPT = 10_000

Page = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, a body, and headers of its own."""

    status: int
    body: dict[str, Any]
    headers: tuple[tuple[bytes, bytes], ...] = ()


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
        self.trusted = TrustedDocuments.of(settings)
        self.documents = Documents(schema, settings)
        self.document = lru_cache(DOCUMENTS_KEPT)(self.documents.read)

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
        await _send(send, answer, media_type or JSON)

    async def _request(self, scope: Scope, receive: Receive) -> GraphQLRequest:
        match scope["method"]:
            case "POST":
                limit = self.settings.max_body_bytes
                return await from_body(scope, receive, limit, self.trusted)
            case "GET":
                return from_query_string(scope, self.trusted)
        raise BadRequest(405, "Use POST, or GET for queries.", Allow="GET, POST")

    def _executable(
        self, scope: Scope, request: GraphQLRequest
    ) -> tuple[Document, OperationDefinitionNode]:
        keep = len(request.query) <= LONGEST_KEPT
        document = (self.document if keep else self.documents.read)(request.query)
        if isinstance(document, list):
            raise RequestError(document)
        operation = get_operation_ast(document.node, request.operation_name)
        if operation is None:
            message = "Name one of the document's operations in operationName."
            raise RequestError([plain_error(message, Code.GRAPHQL_VALIDATION_FAILED)])
        if scope["method"] == "GET" and operation.operation is not OperationType.QUERY:
            raise BadRequest(405, "A GET only reads: send mutations by POST.", Allow="POST")
        return document, operation

    async def _answer(self, scope: Scope, request: GraphQLRequest, *, strict: bool) -> Answer:
        """The answer; `strict` lets the status tell of errors, as the newer media type does."""
        token, request_id = bearer_token(scope), scope.get("state", {}).get("request_id", "")
        limit = asyncio.timeout(OPERATION_SECONDS)
        meter: Meter | None = None
        extensions: dict[str, Any] = {}
        try:
            async with limit:
                context = await self._context(scope, token)
                viewer_id = context.viewer.id if context.viewer else None
                meter = Meter(self.limits, viewer_id, context.ip_address)
                meter.count_request()
                document, operation = self._executable(scope, request)
                cost = document.cost(operation, request.variables)
                if error := document.too_expensive(cost):
                    raise RequestError([error])
                extensions = {"cost": {"requested": cost, "limit": document.max_cost}}
                meter.count_cost(cost)
                result = await self._executed(request, document, context)
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
        return Context(
            settings=self.settings,
            limits=self.limits,
            viewer=await authenticate(token, self.settings),
            user_agent=header(scope, b"user-agent"),
            ip_address=scope["client"][0] if scope.get("client") else None,
        )

    async def _executed(
        self, request: GraphQLRequest, document: Document, context: Context
    ) -> ExecutionResult:
        running = execute(
            self.schema,
            document.node,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            hide_suggestions=not self.settings.has_introspection,
        )
        result = await running if isinstance(running, Awaitable) else running
        assert isinstance(result, ExecutionResult)
        return result


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
