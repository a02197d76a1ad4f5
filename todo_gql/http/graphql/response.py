"""An answer to a GraphQL request, and how it is sent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson
from starlette.types import Scope, Send

from todo_gql.api.cost_weights import BYTES_PER_OBJECT
from todo_gql.documents.parsing import error_codes
from todo_gql.http.headers import headers_of, lines_of
from todo_gql.http.middleware.compression import SMALLEST_COMPRESSED_BYTES, compressed
from todo_gql.http.middleware.response_headers import Sender
from todo_gql.http.negotiation import GRAPHQL_RESPONSE, JSON
from todo_gql.observability.request_record import current_record
from todo_gql.security.rate_limits import RateLimits
from todo_gql.security.sliding_window import COST

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

CONTENT_TYPES: Final = {
    media_type: (b"content-type", f"{media_type}; charset=utf-8".encode())
    for media_type in (JSON, GRAPHQL_RESPONSE)
}
# Of an answer so many bytes are free, which hardly one has that a front end asks for.
FREE_BYTES: Final = 256 * 1024
NOT_KEPT: Final = (b"cache-control", b"no-store")
# By whether an answer is compressed.
VARY: Final = {
    False: (b"vary", b"Accept"),
    True: (b"vary", b"Accept, Accept-Encoding"),
}
CONTAINERS: Final = frozenset({dict, list})
COMPRESSED: Final = (b"content-encoding", b"gzip")


def _head(media_type: str, length: bytes, *, is_compressed: bool) -> Headers:
    return CONTENT_TYPES[media_type], (b"content-length", length), NOT_KEPT, VARY[is_compressed]


# What all answers begin with that have a media type and are compressed or not, but for the length.
LINES: Final = {
    (media_type, is_compressed): lines_of(_head(media_type, b"%d", is_compressed=is_compressed))
    for media_type in CONTENT_TYPES
    for is_compressed in (False, True)
}
COMPRESSED_LINE: Final = lines_of((COMPRESSED,))


@dataclass(slots=True)
class Answer:
    """What goes back: a status, a body, and headers of its own, whose names are in lower case.

    The body is a list where a batch was refused, each of whose parts is to hear why.
    """

    status: int
    body: dict[str, Any] | list[dict[str, Any]]
    headers: Headers = ()


def as_json(body: object) -> bytes:
    """A body, a message with one, or a part of one, as JSON."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return b"".join(pieces(body))


def pieces(value: Any) -> Iterator[bytes]:
    """A value as JSON: each object or list that holds no other ones is a piece."""
    if type(value) is dict and not CONTAINERS.isdisjoint(map(type, value.values())):
        before = b"{"
        for key, each in value.items():
            yield before + _piece(key) + b":"
            yield from pieces(each)
            before = b","
        yield b"}"
    elif type(value) is list and not CONTAINERS.isdisjoint(map(type, value)):
        before = b"["
        for each in value:
            yield before
            yield from pieces(each)
            before = b","
        yield b"]"
    else:
        yield _piece(value)


def _piece(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # An id that a client sent may hold lone surrogates, which orjson refuses to give back. What
        # stands beside it may be long, and isn't read.
        return json.dumps(value, default=_value_of).encode()


def _value_of(fragment: object) -> object:
    """The value in what is JSON already; `TypeError` for anything else."""
    return orjson.loads(orjson.dumps(fragment))


class Answers:
    """Sends answers over HTTP, as gzip of this level to who accepts that; None is for nobody.

    Who is sent much is charged for it.
    """

    def __init__(self, level: int | None, limits: RateLimits) -> None:
        self.level = level
        self.limits = limits

    def charge(self, body: bytes, kind: int = COST) -> bytes:
        """Charge a long body to the current caller, as cost of this kind; the body itself."""
        more = len(body) - FREE_BYTES
        if more > 0 and (caller := current_record().caller) is not None:
            self.limits.charge(caller, kind, more // BYTES_PER_OBJECT)
        return body

    async def send(self, scope: Scope, send: Send, answer: Answer, media_type: str) -> None:
        """Send an answer."""
        told = answer.body[0] if isinstance(answer.body, list) else answer.body
        if "errors" in told:
            current_record().error_codes = error_codes(told["errors"])
        body, level, is_compressed = as_json(answer.body), self.level, False
        if len(body) > FREE_BYTES:
            self.charge(body)
        if level and len(body) >= SMALLEST_COMPRESSED_BYTES and headers_of(scope).accept_gzip:
            body, is_compressed = await compressed(body, level), True
        if isinstance(send, Sender):
            lines = LINES[media_type, is_compressed] % len(body) + lines_of(answer.headers)
            if is_compressed:
                lines += COMPRESSED_LINE
            if send.send_response(scope, answer.status, lines, body):
                return
        head = _head(media_type, b"%d" % len(body), is_compressed=is_compressed)
        headers = [*head, *answer.headers, *((COMPRESSED,) if is_compressed else ())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
