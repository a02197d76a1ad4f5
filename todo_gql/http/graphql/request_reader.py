"""Reading the GraphQL request in an HTTP request: small ones at once, large ones one at a time."""

import asyncio
from collections.abc import Callable
from functools import partial

from starlette.types import Receive, Scope

from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.http.graphql.operation_cache import MAX_KEY_LENGTH, MAX_OPERATIONS
from todo_gql.http.graphql.parse_queue import ParseQueue
from todo_gql.http.graphql.rate_limit import SenderRateLimits
from todo_gql.http.graphql.request import (
    BadRequest,
    GraphQLRequest,
    check_head,
    from_body,
    from_query_string,
    read_body,
)
from todo_gql.http.graphql.results import BAD_REQUEST
from todo_gql.http.headers import Headers
from todo_gql.observability.request_record import current_record
from todo_gql.security.authentication import cached_viewer

# Longer bodies may take milliseconds to parse, so they are parsed one by one.
LARGE_BODY_BYTES = 8 * 1024


class RequestReader:
    """Reads requests with bodies of at most `max_body_bytes`; invalid ones are charged."""

    def __init__(
        self, max_body_bytes: int, trusted: TrustedDocuments, rate_limits: SenderRateLimits
    ) -> None:
        self.max_body_bytes = max_body_bytes
        self.trusted = trusted
        self.rate_limits = rate_limits
        self.large_bodies = ParseQueue(pause=0)
        self._parsed_bodies: dict[bytes, GraphQLRequest] = {}

    async def read(self, scope: Scope, receive: Receive, headers: Headers) -> GraphQLRequest:
        """The GraphQL request in an HTTP request; raises `BadRequest` if there is none.

        Raises `ConnectionResetError` if the client disconnects before its body has arrived.
        """
        try:
            match scope["method"]:
                case "POST":
                    limit = self.max_body_bytes
                    if not headers.announce_json:
                        check_head(headers, limit)
                        headers.announce_json = True
                    body = await read_body(receive, limit)
                    if len(body) <= LARGE_BODY_BYTES:
                        request = self._read_body(body)
                    else:
                        read = partial(self._read_body, body)
                        request = await self._read_in_turn(scope, headers, read)
                case "GET":
                    read_query = partial(from_query_string, scope, self.trusted)
                    if len(scope["query_string"]) <= LARGE_BODY_BYTES:
                        request = read_query()
                    else:
                        request = await self._read_in_turn(scope, headers, read_query)
                case _:
                    raise BadRequest(405, "Use POST, or GET for queries.", Allow="GET, POST")
        except BadRequest as error:
            if error.status == BAD_REQUEST:
                rate_limit = await self.rate_limits.of_token(scope, headers.token)
                self.rate_limits.charge(rate_limit)
                error.headers |= {k.decode(): v.decode() for k, v in rate_limit.headers}
            raise
        # These may hold secrets of the client.
        current_record().sensitive_values = headers.token, request.variables
        return request

    async def _read_in_turn(
        self, scope: Scope, headers: Headers, read: Callable[[], GraphQLRequest]
    ) -> GraphQLRequest:
        """Read a large request once it is the sender's turn."""
        sender = self.rate_limits.of_viewer(scope, cached_viewer(headers.token)).caller
        async with self.large_bodies.turn(sender):
            request = read()
        # Parsing its document may take long as well, so it starts in a turn of its own.
        await asyncio.sleep(0)
        return request

    def _read_body(self, body: bytes) -> GraphQLRequest:
        """The request in a body; requests without variables are cached, since they repeat."""
        request = self._parsed_bodies.get(body)
        if request is None:
            request = from_body(body, self.trusted)
            # Variables may hold secrets, and differ from request to request.
            if not request.variables and len(body) <= MAX_KEY_LENGTH:
                if len(self._parsed_bodies) >= MAX_OPERATIONS:
                    self._parsed_bodies.clear()
                self._parsed_bodies[body] = request
        return request
