"""The HTTP responses to GraphQL requests, with the status that each media type asks for.

See "Status Codes" in GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/).
"""

from typing import Any

from todo_gql.api.errors import Code
from todo_gql.documents.parsing import ErrorEntry, error_codes
from todo_gql.http.graphql.request import BadRequest, BatchRequest
from todo_gql.http.graphql.response import GraphQLResponse, Headers
from todo_gql.http.negotiation import GRAPHQL_RESPONSE

BAD_REQUEST = 400
RETRY_SOON = (b"retry-after", b"1")


class RequestError(Exception):
    """A request error: nothing was executed. Its errors are as the client sees them.

    `status` is used with application/graphql-response+json, and with application/json unless it is
    BAD_REQUEST.
    """

    def __init__(
        self, errors: list[ErrorEntry], status: int = BAD_REQUEST, headers: Headers = ()
    ) -> None:
        self.errors = errors
        self.status = status
        self.headers = headers


def operation_response(body: dict[str, Any], headers: Headers, media_type: str) -> GraphQLResponse:
    """The response to an operation that was executed."""
    if "errors" not in body:
        return GraphQLResponse(200, body, headers)
    status = _status(body, strict=media_type == GRAPHQL_RESPONSE)
    if Code.UNAVAILABLE in error_codes(body["errors"]):
        headers = (*headers, RETRY_SOON)
    return GraphQLResponse(status, body, headers)


def request_error_response(error: RequestError, media_type: str) -> GraphQLResponse:
    """The response to an operation that wasn't executed.

    With application/graphql-response+json it has the error's status; with application/json mostly 200.
    """
    has_status = media_type == GRAPHQL_RESPONSE or error.status != BAD_REQUEST
    return GraphQLResponse(
        error.status if has_status else 200, {"errors": error.errors}, error.headers
    )


def _status(body: dict[str, Any], *, strict: bool) -> int:
    """The status of a response with errors; only with `strict` do most of them change it."""
    data = body.get("data")
    is_empty = data is None or (
        isinstance(data, dict) and all(value is None for value in data.values())
    )
    codes = error_codes(body.get("errors", ()))
    if is_empty and Code.UNAVAILABLE in codes:
        return 503
    if not strict or data is not None:
        return 200
    if "data" not in body:
        return 500 if Code.INTERNAL in codes else 400
    return 401 if Code.UNAUTHENTICATED in codes else 200


def bad_request_response(error: BadRequest, challenge: Headers) -> GraphQLResponse:
    """The response to what is no GraphQL request."""
    headers = tuple((k.encode(), v.encode()) for k, v in error.headers.items())
    body = {"errors": error.errors}
    parts = [body] * error.size if isinstance(error, BatchRequest) else body
    return GraphQLResponse(error.status, parts, (*headers, *challenge))
