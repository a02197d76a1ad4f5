"""The answers to what became of GraphQL requests, with the status that each media type asks for."""

from typing import Any

from todo_gql.api.errors import Code
from todo_gql.documents.parsing import ErrorEntry, error_codes
from todo_gql.http.graphql.request import BadRequest, Batch
from todo_gql.http.graphql.response import Answer, Headers
from todo_gql.http.negotiation import GRAPHQL_RESPONSE

BAD_REQUEST = 400
RETRY_SOON = (b"retry-after", b"1")


class RequestError(Exception):
    """A GraphQL request that can't be executed, with its errors as the client sees them.

    `status` is what the newer media type tells of it, and the older too unless it is BAD_REQUEST.
    """

    def __init__(
        self, errors: list[ErrorEntry], status: int = BAD_REQUEST, headers: Headers = ()
    ) -> None:
        self.errors = errors
        self.status = status
        self.headers = headers


def answered(body: dict[str, Any], headers: Headers, media_type: str) -> Answer:
    """The answer that tells what an operation gave."""
    if "errors" not in body:
        return Answer(200, body, headers)
    status = _status(body, strict=media_type == GRAPHQL_RESPONSE)
    if Code.UNAVAILABLE in error_codes(body["errors"]):
        headers = (*headers, RETRY_SOON)
    return Answer(status, body, headers)


def undone(error: RequestError, media_type: str) -> Answer:
    """The answer to what wasn't executed.

    Its status tells that where the newer media type is accepted; the older one has 200 for most.
    """
    tells = media_type == GRAPHQL_RESPONSE or error.status != BAD_REQUEST
    return Answer(error.status if tells else 200, {"errors": error.errors}, error.headers)


def _status(body: dict[str, Any], *, strict: bool) -> int:
    """The status of an answer with errors; `strict` lets it tell of them."""
    data = body.get("data")
    nothing = data is None or (
        isinstance(data, dict) and all(value is None for value in data.values())
    )
    codes = error_codes(body.get("errors", ()))
    if nothing and Code.UNAVAILABLE in codes:
        return 503
    if not strict or data is not None:
        return 200
    if "data" not in body:
        return 500 if Code.INTERNAL in codes else 400
    return 401 if Code.UNAUTHENTICATED in codes else 200


def refusal(error: BadRequest, challenge: Headers) -> Answer:
    """The answer to what is no GraphQL request."""
    headers = tuple((k.encode(), v.encode()) for k, v in error.headers.items())
    body = {"errors": error.errors}
    parts = [body] * error.size if isinstance(error, Batch) else body
    return Answer(error.status, parts, (*headers, *challenge))
