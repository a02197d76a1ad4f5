"""The GraphQL route, as plain ASGI: a stock view would cost more than most operations."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from starlette.types import Receive, Scope, Send

from todo_gql.api.errors import (
    OUTCOME_UNKNOWN,
    TIMEOUT_MESSAGE,
    Code,
    RateLimited,
    formatted,
    is_temporary,
    unexpected,
)
from todo_gql.api.scalars import SERIALIZERS
from todo_gql.documents.parsing import (
    MAX_ERRORS,
    DocumentParser,
    ErrorEntry,
    error_codes,
    error_entry,
)
from todo_gql.documents.token_access import refusals
from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.documents.variable_limits import (
    ALWAYS_FEW_BYTES,
    TooManyValues,
    check_variables_size,
)
from todo_gql.event_loop.time_slice import next_turn
from todo_gql.execution import Engine
from todo_gql.http.graphql.long_responses import LongResponses
from todo_gql.http.graphql.preparation import OperationPreparer, Prepared
from todo_gql.http.graphql.rate_limit import RequestRateLimit, SenderRateLimits, rate_limited
from todo_gql.http.graphql.request import (
    BadRequest,
    GraphQLRequest,
)
from todo_gql.http.graphql.request_reader import RequestReader
from todo_gql.http.graphql.response import Headers, ResponseSender
from todo_gql.http.graphql.results import (
    RequestError,
    bad_request_response,
    operation_response,
    request_error_response,
)
from todo_gql.http.graphql.timeout import Deadline
from todo_gql.http.headers import headers_of
from todo_gql.http.negotiation import GRAPHQL_RESPONSE, JSON
from todo_gql.observability.request_record import RequestRecord, current_record
from todo_gql.operation.context import Context
from todo_gql.security.api_tokens import is_api_token, is_well_formed
from todo_gql.security.authentication import Viewer, authenticate, cached_viewer
from todo_gql.security.grants import TokenGrant
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

logger = logging.getLogger(__name__)

OPERATION_SECONDS = 10
FORBIDDEN = 403
# Sent with every response to an invalid token (RFC 6750, section 3).
CHALLENGE: Headers = ((b"www-authenticate", b'Bearer error="invalid_token"'),)
# The checksum of an API token tells what no server has issued.
MISTYPED: Headers = (
    (
        b"www-authenticate",
        b'Bearer error="invalid_token", error_description="The API token is mistyped or incomplete."',
    ),
)
SUBSCRIBE_OTHERWISE = (
    "Subscribe over a WebSocket (graphql-transport-ws), or send Accept: text/event-stream."
)

Page = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class AcceptedOperation:
    """An operation that passed the limits, with the context of its resolvers.

    `size` is roughly how many bytes its response has at most.
    """

    prepared: Prepared
    context: Context
    extensions: dict[str, Any]
    headers: Headers
    size: int


class SignedOut(Exception):
    """The token of a long-lived connection is invalid or has expired."""


class GraphQLRoute:
    """Answers GraphQL requests, and serves `page` to browsers, if there is one."""

    def __init__(
        self, schema: GraphQLSchema, settings: Settings, limits: RateLimits, page: Page | None
    ) -> None:
        self.schema = schema
        self.settings = settings
        self.limits = limits
        self.page = page
        self.engine = Engine(
            schema,
            SERIALIZERS,
            breadth_first=settings.execution_engine == "breadth-first",
            hide_suggestions=not settings.has_introspection,
        )
        self.parser = DocumentParser(schema, settings)
        self.operations = OperationPreparer(self.engine, self.parser)
        self.rate_limits = SenderRateLimits(settings, limits)
        trusted = TrustedDocuments.of(settings)
        self.reader = RequestReader(settings.max_body_bytes, trusted, self.rate_limits)
        self.response_sender = ResponseSender(settings.gzip_level, limits)
        self.long_responses = LongResponses(settings.max_answer_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = headers_of(scope)
        accept, token = headers.accepted, headers.token
        is_page_request = (
            accept.prefers_html and scope["method"] == "GET" and not scope["query_string"]
        )
        if self.page and is_page_request:
            await self.page(scope, receive, send)
            return
        media_type = accept.answer_type
        try:
            if media_type is None:
                raise BadRequest(
                    406, f"The response is {GRAPHQL_RESPONSE} or {JSON}: accept one of them."
                )
            request = await self.reader.read(scope, receive, headers)
            answer = operation_response(*await self.response(scope, request, token), media_type)
        except BadRequest as error:
            answer = bad_request_response(error, await self.challenge(token))
        except RequestError as error:
            answer = request_error_response(error, media_type or JSON)
        except ConnectionResetError:
            return
        await self.response_sender.send(scope, send, answer, media_type or JSON)

    async def prepared_operation(
        self, scope: Scope, request: GraphQLRequest, token: str | None, record: RequestRecord
    ) -> Prepared:
        """The operation of a request on a long-lived connection; only failures are counted here.

        Raises RequestError if it can't be executed.
        """
        rate_limit = await self.rate_limits.of_token(scope, token)
        try:
            return await self.executable_in_turn(scope, request, record, rate_limit)
        except RateLimited as refused:
            raise rate_limited(refused, rate_limit) from None
        except RequestError:
            self.rate_limits.charge(rate_limit)
            raise

    async def executable_in_turn(
        self,
        scope: Scope,
        request: GraphQLRequest,
        record: RequestRecord,
        rate_limit: RequestRateLimit,
    ) -> Prepared:
        """As `executable`; a document that isn't cached is parsed when it is the sender's turn."""
        if outcome := self.operations.cached(request):
            return self.executable(scope, record, outcome)
        async with self.operations.turn(rate_limit.sender) as turn:
            return self.executable(
                scope, record, await self.operations.prepare(turn, request, rate_limit)
            )

    async def accept_in_turn(
        self, scope: Scope, request: GraphQLRequest, viewer: Viewer | None, record: RequestRecord
    ) -> AcceptedOperation:
        """As `accept`; a document that isn't cached is parsed when it is the sender's turn."""
        if outcome := self.operations.cached(request):
            return self.accept(scope, request, viewer, outcome, record)
        async with self.operations.turn(self.rate_limits.of_viewer(scope, viewer).sender) as turn:
            rate_limit = self._count_request(scope, viewer, record)
            try:
                outcome = await self.operations.prepare(turn, request, rate_limit)
            except RateLimited as refused:
                raise rate_limited(refused, rate_limit) from None
            return self._accept(scope, request, viewer, outcome, rate_limit, record)

    def executable(
        self,
        scope: Scope,
        record: RequestRecord,
        prepared: Prepared | list[ErrorEntry],
    ) -> Prepared:
        """The operation to execute; raises RequestError, or BadRequest for a mutation sent by GET."""
        if isinstance(prepared, list):
            raise RequestError(prepared)
        if prepared.kind is OperationType.MUTATION and scope.get("method") == "GET":
            raise BadRequest(405, "Send mutations by POST: a GET request only reads.", Allow="POST")
        record.operation, record.type = prepared.name, prepared.type
        return prepared

    async def response(
        self,
        scope: Scope,
        request: GraphQLRequest,
        token: str | None,
        prepared: Prepared | None = None,
    ) -> tuple[dict[str, Any], Headers]:
        """The body of the response to a query or mutation, and headers about limits and the token.

        Raises RequestError if it can't be executed. `prepared` is the operation of a long-lived
        connection; there, an invalid token raises SignedOut, since a message has no headers.
        """
        limit = Deadline(OPERATION_SECONDS)
        accepted: AcceptedOperation | None = None
        challenge: Headers = ()
        is_long = False
        try:
            with limit:
                record = current_record()
                record.limit = limit
                viewer = cached_viewer(token) or await authenticate(token, self.settings)
                if viewer is None and token:
                    challenge = _challenge_or_sign_out(prepared, token)
                outcome = prepared or self.operations.cached(request)
                accepted = (
                    self.accept(scope, request, viewer, outcome, record)
                    if outcome
                    else await self.accept_in_turn(scope, request, viewer, record)
                )
                if accepted.prepared.kind is OperationType.SUBSCRIPTION:
                    raise RequestError([error_entry(SUBSCRIBE_OTHERWISE, Code.BAD_USER_INPUT)])
                is_long = accepted.size > self.long_responses.at_once
                result = await self.engine.execute(
                    accepted.prepared.operation,
                    context=accepted.context,
                    variables=request.variables,
                    before_completion=next_turn if is_long else None,
                )
        except (BadRequest, SignedOut):
            raise
        except RequestError as error:
            error.headers = (*error.headers, *challenge)
            raise
        except Exception as error:
            if limit.expired():
                raise RequestError([_timed_out(accepted)], headers=challenge) from None
            result = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
        body = self.body(scope, request, result)
        if accepted:
            if is_long:
                is_mutation = accepted.prepared.kind is OperationType.MUTATION
                await self.long_responses.complete(body, is_mutation=is_mutation)
            body["extensions"] = accepted.extensions
        if "errors" in body and token and Code.UNAUTHENTICATED in error_codes(body["errors"]):
            # The session may have ended during the operation.
            challenge = challenge_to(token)
        return body, (*accepted.headers, *challenge) if accepted else challenge

    async def challenge(self, token: str | None) -> Headers:
        """The WWW-Authenticate header for an invalid token, where no operation was executed."""
        if token is None:
            return ()
        try:
            viewer = await authenticate(token, self.settings)
        except Exception as error:
            if is_temporary(error):
                return ()
            raise
        return () if viewer else challenge_to(token)

    def accept(
        self,
        scope: Scope,
        request: GraphQLRequest,
        viewer: Viewer | None,
        outcome: Prepared | list[ErrorEntry],
        record: RequestRecord,
    ) -> AcceptedOperation:
        """Check and count an operation before it is executed; raises RequestError if it is refused."""
        rate_limit = self._count_request(scope, viewer, record)
        return self._accept(scope, request, viewer, outcome, rate_limit, record)

    def _count_request(
        self, scope: Scope, viewer: Viewer | None, record: RequestRecord
    ) -> RequestRateLimit:
        """Count a request for its viewer; raises RequestError if that is one too many."""
        rate_limit = self.rate_limits.of_viewer(scope, viewer)
        record.user_id = viewer.id if viewer else None
        record.caller = rate_limit.sender
        try:
            rate_limit.count_request()
        except RateLimited as refused:
            raise rate_limited(refused, rate_limit) from None
        return rate_limit

    def _accept(
        self,
        scope: Scope,
        request: GraphQLRequest,
        viewer: Viewer | None,
        outcome: Prepared | list[ErrorEntry],
        rate_limit: RequestRateLimit,
        record: RequestRecord,
    ) -> AcceptedOperation:
        try:
            prepared = self.executable(scope, record, outcome)
            if request.size > ALWAYS_FEW_BYTES:
                check_variables_size(prepared.composite_variables, request.variables or {})
        except TooManyValues as error:
            rate_limit.count_failure()
            entries = [error_entry(str(error), Code.BAD_USER_INPUT)]
            raise RequestError(entries, headers=rate_limit.headers) from None
        except RequestError as refused:
            rate_limit.count_failure()
            refused.headers = rate_limit.headers
            raise
        if viewer is not None and viewer.grant is not None:
            _check_grant(prepared, viewer.grant, rate_limit)
        document = prepared.document
        cost, size = prepared.fixed or document.cost_and_size(
            prepared.operation.node, request.variables
        )
        record.cost = cost
        if cost > document.max_cost:
            raise RequestError([document.cost_limit_error(cost)], headers=rate_limit.headers)
        try:
            used = cost
            if prepared.charge:
                used = min(cost + prepared.charge, self.settings.rate_limit_cost)
            rate_limit.count_cost(used)
        except RateLimited as refused:
            raise rate_limited(refused, rate_limit) from None
        context = self._context(scope, viewer, prepared)
        extensions = {"cost": {"requested": cost, "limit": document.max_cost}}
        return AcceptedOperation(prepared, context, extensions, rate_limit.headers, size)

    def _context(self, scope: Scope, viewer: Viewer | None, prepared: Prepared) -> Context:
        client = scope.get("client")
        return Context(
            self.settings,
            self.limits,
            viewer,
            headers_of(scope).user_agent,
            client[0] if client else None,
            selected_fields=prepared.selected_fields,
        )

    def body(
        self, scope: Scope, request: GraphQLRequest, result: ExecutionResult
    ) -> dict[str, Any]:
        """A result as the client sees it; unexpected errors are logged and replaced."""
        body: dict[str, Any] = {}
        if result.errors:
            request_id = scope.get("state", {}).get("request_id", "")
            for cause in unexpected(result.errors):
                logger.error("operation failed", exc_info=cause)
            entries = [formatted(e, request_id) for e in result.errors[:MAX_ERRORS]]
            body["errors"] = self.parser.redact(entries, request.query, request.variables)
        if result.data is not None or any(error.path for error in result.errors or ()):
            body["data"] = result.data
        return body


def _check_grant(prepared: Prepared, grant: TokenGrant, rate_limit: RequestRateLimit) -> None:
    """Raise RequestError, status 403, unless an API token with this grant opens the operation."""
    if errors := refusals(prepared.token_needs, grant):
        raise RequestError(errors[:MAX_ERRORS], FORBIDDEN, rate_limit.headers)


def challenge_to(token: str) -> Headers:
    """The WWW-Authenticate header for an invalid token."""
    return MISTYPED if is_api_token(token) and not is_well_formed(token) else CHALLENGE


def _challenge_or_sign_out(looked_up: Prepared | None, token: str) -> Headers:
    """The header for an invalid token; raises SignedOut on a connection that stays."""
    if looked_up:
        raise SignedOut
    return challenge_to(token)


def _timed_out(accepted: AcceptedOperation | None) -> ErrorEntry:
    """The error of an operation that timed out; a mutation may have been committed."""
    if accepted and accepted.prepared.kind is OperationType.MUTATION:
        return error_entry(TIMEOUT_MESSAGE, Code.TIMEOUT, reason=OUTCOME_UNKNOWN)
    return error_entry(TIMEOUT_MESSAGE, Code.TIMEOUT)
