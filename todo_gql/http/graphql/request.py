"""GraphQL requests as they come over HTTP.

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
    MAX_NESTING,
    MOST_CONTAINERS,
    has_too_many_containers,
    is_too_deep,
)
from todo_gql.documents.parsing import ErrorEntry, error_entry
from todo_gql.documents.trusted import TrustedDocuments
from todo_gql.http.headers import Headers

# Of a larger one it doesn't matter what its sender makes of the answer, but how long that is.
LONGEST_MEDIA_TYPE = 1_000
LARGEST_BATCH = 100
BYTES_OF_AN_ESCAPE = 3


class BadRequest(Exception):
    """A request that is no GraphQL request, with the status and the code that say so."""

    def __init__(
        self, status: int, message: str, code: Code = Code.BAD_USER_INPUT, **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-").lower(): value for name, value in headers.items()}

    @property
    def errors(self) -> list[ErrorEntry]:
        """What the client is told, whatever it came by."""
        return [error_entry(str(self), self.code)]


class BatchRequest(BadRequest):
    """Several requests in one body, which isn't taken.

    Clients that send one take an answer only if it has as many parts, which is then to be a list.
    """

    def __init__(self, size: int) -> None:
        super().__init__(
            400,
            "Batches are not supported: send each operation in a request of its own, without"
            " batching.",
        )
        self.size = size


class GraphQLRequest(NamedTuple):
    """What to execute."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def _too_large(limit: int) -> BadRequest:
    return BadRequest(413, f"A request body may have at most {limit:,} bytes.")


def check_length(headers: Headers, limit: int) -> None:
    """`BadRequest` 413 if the body is announced as longer than `limit` bytes."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)


async def read_body(receive: Receive, limit: int) -> bytes:
    """The request's body; `BadRequest` 413 once it is longer than `limit` bytes."""
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


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def parse_json(text: bytes | str, name: str) -> Any:
    """The value in a JSON text; `BadRequest` if it is none, or nested too deep."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    value = parsed(data, name)
    check_nesting(data, name)
    return value


def check_nesting(data: bytes, name: str, *, around: int = 0) -> None:
    """`BadRequest` if a JSON text is nested deeper than allowed, and `around` more."""
    if is_too_deep(data, MAX_NESTING + around):
        raise BadRequest(400, f"The {name} may be nested at most {MAX_NESTING} deep.")


def parsed(data: bytes, name: str) -> Any:
    """The value in a JSON text, however deep; `BadRequest` if it is none, or holds too many others."""
    if has_too_many_containers(data):
        raise BadRequest(
            400, f"The {name} may contain at most {MOST_CONTAINERS:,} lists and objects."
        )
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\ud" not in data and b"\\uD" not in data:
            raise BadRequest(400, f"The {name} must be JSON in UTF-8.") from None
    # orjson refuses lone surrogates; they are to be reported as errors of their field.
    try:
        return json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadRequest(400, f"The {name} must be JSON in UTF-8.") from None


def checked(parameters: Any, trusted: TrustedDocuments) -> GraphQLRequest:
    """The request that parameters make; `BadRequest` if they make none."""
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
    return GraphQLRequest(query, variables, name)


def _is_batch(parameters: object) -> bool:
    return (
        isinstance(parameters, list)
        and 0 < len(parameters) <= LARGEST_BATCH
        and all(isinstance(each, dict) for each in parameters)
    )


def from_query_string(scope: Scope, trusted: TrustedDocuments) -> GraphQLRequest:
    """The request in a GET's query string; `BadRequest` if there is none."""
    try:
        text = scope["query_string"].decode("ascii")
        if text.count("%") * BYTES_OF_AN_ESCAPE > len(text):
            # Each sign is looked at for itself, though no more than these begin an escape.
            raise ValueError(text)
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise BadRequest(400, "The query string must be percent-encoded UTF-8.") from None
    # An empty document is a mistake, other parameters that are empty are left out.
    parameters: dict[str, Any] = {name: value for name, value in pairs if value or name == "query"}
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = parse_json(parameters[name], name)
    return checked(parameters, trusted)


@lru_cache(maxsize=256)
def _is_of_type(content_type: bytes, expected: str) -> bool:
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    named = (parameter.strip().partition("=") for parameter in parameters)
    charsets = {value.strip(' "') for name, _, value in named if name == "charset"}
    return media_type.strip() == expected and charsets <= {"utf-8", "utf8"}


def check_content_type(headers: Headers, expected: str) -> None:
    """`BadRequest` 415 unless the body is of the media type, in UTF-8, and not compressed."""
    media_type = headers.get(b"content-type", b"")
    if len(media_type) > LONGEST_MEDIA_TYPE or not _is_of_type(media_type, expected):
        raise BadRequest(415, f"Send the request as {expected} in UTF-8.", Accept_Post=expected)
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise BadRequest(415, "Send the request without Content-Encoding.")


def check_head(headers: Headers, limit: int) -> None:
    """`BadRequest` if what the headers announce isn't JSON, or is longer than `limit` bytes."""
    check_content_type(headers, "application/json")
    check_length(headers, limit)


def from_body(body: bytes, trusted: TrustedDocuments) -> GraphQLRequest:
    """The request in a POST's body; `BadRequest` if it isn't JSON."""
    return checked(parse_json(body, "body"), trusted)
