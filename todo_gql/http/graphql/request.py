"""GraphQL requests in HTTP requests.

Follows GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/).
"""

import json
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope

from todo_gql.api.errors import APIError, Code
from todo_gql.api.json_depth import (
    MAX_CONTAINERS,
    MAX_NESTING,
    has_too_many_containers,
    is_too_deep,
)
from todo_gql.documents.parsing import ErrorEntry, error_entry
from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.http.headers import Headers

# Clients expect one response for each request of a batch; a larger batch gets a single one.
MAX_MEDIA_TYPE_LENGTH = 1_000
MAX_BATCH_SIZE = 100
ESCAPE_LENGTH = 3


class BadRequest(Exception):
    """An HTTP request without a valid GraphQL request, with the status and the code to answer."""

    def __init__(
        self, status: int, message: str, code: Code = Code.BAD_USER_INPUT, **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-").lower(): value for name, value in headers.items()}

    @property
    def errors(self) -> list[ErrorEntry]:
        """The `errors` of the response, whatever the transport."""
        return [error_entry(str(self), self.code)]


class BatchRequest(BadRequest):
    """Several requests in one body, which isn't supported; `size` is their number.

    Clients that send a batch accept only a response that is a list of the same length.
    """

    def __init__(self, size: int) -> None:
        super().__init__(
            400,
            "Batches are not supported: send each operation in a request of its own, without"
            " batching.",
        )
        self.size = size


class GraphQLRequest(NamedTuple):
    """What to execute. `size` is the number of bytes of the JSON or of the query string it was in."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    size: int


def _too_large(limit: int) -> BadRequest:
    return BadRequest(413, f"A request body may have at most {limit:,} bytes.")


def check_length(headers: Headers, limit: int) -> None:
    """Raises BadRequest 413 if Content-Length is more than `limit` bytes."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)


async def read_body(receive: Receive, limit: int) -> bytes:
    """The request's body.

    Raises BadRequest 413 once it is longer than `limit` bytes, and ConnectionResetError if the client
    disconnects before its end.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(chunks)


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def parse_json(text: bytes | str, name: str) -> Any:
    """The value of a JSON text; raises BadRequest if it is invalid, too large or nested too deeply."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    # Few brackets are neither too many nor too deep, wherever they stand.
    if data.count(b"[") + data.count(b"{") <= MAX_NESTING:
        return _load_json(data, name)
    value = parse_json_of_any_depth(data, name)
    check_nesting(data, name)
    return value


def check_nesting(data: bytes, name: str, *, around: int = 0) -> None:
    """Raises BadRequest if a JSON text is nested more than MAX_NESTING levels within `around` others."""
    if is_too_deep(data, MAX_NESTING + around):
        raise BadRequest(400, f"The {name} may be nested at most {MAX_NESTING} deep.")


def parse_json_of_any_depth(data: bytes, name: str) -> Any:
    """The value of a JSON text; raises BadRequest if it is invalid or has more than MAX_CONTAINERS."""
    if has_too_many_containers(data):
        raise BadRequest(
            400, f"The {name} may contain at most {MAX_CONTAINERS:,} lists and objects."
        )
    return _load_json(data, name)


def _load_json(data: bytes, name: str) -> Any:
    """The value in a JSON text; raises BadRequest if it isn't JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\ud" not in data and b"\\uD" not in data:
            raise BadRequest(400, f"The {name} must be JSON in UTF-8.") from None
    # orjson refuses lone surrogates; they are to be reported as errors of their field.
    try:
        return json.loads(data, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise BadRequest(400, f"The {name} must be JSON in UTF-8.") from None


def request_from_parameters(
    parameters: Any, trusted: TrustedDocuments, size: int
) -> GraphQLRequest:
    """The request with these parameters (GraphQL over HTTP, "Request Parameters"), of `size` bytes.

    Raises BatchRequest for a list of requests, and BadRequest for anything else that isn't one.
    """
    if not isinstance(parameters, dict):
        if _is_batch(parameters):
            raise BatchRequest(len(parameters))
        raise BadRequest(400, "The body must be a JSON object with a query.")
    try:
        query = trusted.text(parameters)
    except APIError as error:
        status = 403 if error.code is Code.FORBIDDEN else 400
        raise BadRequest(status, str(error), error.code) from None
    if not isinstance(query, str):
        raise BadRequest(400, "The parameter query must be a GraphQL document.")
    if not query.strip():
        raise BadRequest(400, "The document is empty.", Code.GRAPHQL_PARSE_FAILED)
    variables, name = parameters.get("variables"), parameters.get("operationName")
    if not (variables is None or isinstance(variables, dict)):
        raise BadRequest(400, "The parameter variables must be an object.")
    if not (name is None or isinstance(name, str)):
        raise BadRequest(400, "The parameter operationName must be a string.")
    if not (parameters.get("extensions") is None or isinstance(parameters["extensions"], dict)):
        raise BadRequest(400, "The parameter extensions must be an object.")
    return GraphQLRequest(query, variables, name, size)


def _is_batch(parameters: object) -> bool:
    return (
        isinstance(parameters, list)
        and 0 < len(parameters) <= MAX_BATCH_SIZE
        and all(isinstance(each, dict) for each in parameters)
    )


def from_query_string(scope: Scope, trusted: TrustedDocuments) -> GraphQLRequest:
    """The request in the query string of a GET; raises BadRequest if it isn't valid."""
    try:
        text = scope["query_string"].decode("ascii")
        if text.count("%") * ESCAPE_LENGTH > len(text):
            # More percent signs than escapes can exist: unescaping would check each of them.
            raise ValueError(text)
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise BadRequest(400, "The query string must be percent-encoded UTF-8.") from None
    # An empty document is a mistake, other parameters that are empty are left out.
    parameters: dict[str, Any] = {name: value for name, value in pairs if value or name == "query"}
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = parse_json(parameters[name], name)
    return request_from_parameters(parameters, trusted, len(text))


@lru_cache(maxsize=256)
def _is_of_type(content_type: bytes, expected: str) -> bool:
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    named = (parameter.strip().partition("=") for parameter in parameters)
    charsets = {value.strip(' "') for name, _, value in named if name == "charset"}
    return media_type.strip() == expected and charsets <= {"utf-8", "utf8"}


def check_content_type(headers: Headers, expected: str) -> None:
    """Raises BadRequest 415 unless the body is of the media type, in UTF-8, and not compressed."""
    media_type = headers.get(b"content-type", b"")
    if len(media_type) > MAX_MEDIA_TYPE_LENGTH or not _is_of_type(media_type, expected):
        raise BadRequest(415, f"Send the request as {expected} in UTF-8.", Accept_Post=expected)
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise BadRequest(415, "Send the request without Content-Encoding.")


def check_head(headers: Headers, limit: int) -> None:
    """Raises BadRequest if the headers announce a body that isn't JSON, or longer than `limit` bytes."""
    check_content_type(headers, "application/json")
    check_length(headers, limit)


def from_body(body: bytes, trusted: TrustedDocuments) -> GraphQLRequest:
    """The request in the body of a POST; raises BadRequest if it isn't valid."""
    return request_from_parameters(parse_json(body, "body"), trusted, len(body))
