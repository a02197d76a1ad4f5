"""A response to a GraphQL request, and how it is sent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeAlias

import orjson
from starlette.types import Scope, Send

from todo_gql.api.cost_weights import BYTES_PER_OBJECT
from todo_gql.documents.parsing import error_codes
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.http.headers import headers_of, lines_of
from todo_gql.http.middleware.compression import MIN_COMPRESSED_BYTES, compressed
from todo_gql.http.middleware.response_headers import SendWithHeaders
from todo_gql.http.negotiation import GRAPHQL_RESPONSE, JSON
from todo_gql.observability.request_record import current_record
from todo_gql.security.rate_limits import RateLimits
from todo_gql.security.sliding_window import COST

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

CONTENT_TYPES: Final = {
    media_type: (b"content-type", f"{media_type}; charset=utf-8".encode())
    for media_type in (JSON, GRAPHQL_RESPONSE)
}
# A longer body is sent in chunks of so many bytes, between which other requests have their turns.
CHUNK_BYTES: Final = 256 * 1024
# Bytes of a response that cost nothing; few responses to a front end are longer.
FREE_BYTES: Final = 256 * 1024
NO_STORE: Final = (b"cache-control", b"no-store")
# By whether the response is compressed.
VARY: Final = {
    False: (b"vary", b"Accept"),
    True: (b"vary", b"Accept, Accept-Encoding"),
}
CONTAINERS: Final = frozenset({dict, list})
COMPRESSED: Final = (b"content-encoding", b"gzip")


def _head(media_type: str, length: bytes, *, is_compressed: bool) -> Headers:
    return CONTENT_TYPES[media_type], (b"content-length", length), NO_STORE, VARY[is_compressed]


# The header lines of a response by media type and compression; Content-Length is filled in.
LINES: Final = {
    (media_type, is_compressed): lines_of(_head(media_type, b"%d", is_compressed=is_compressed))
    for media_type in CONTENT_TYPES
    for is_compressed in (False, True)
}
COMPRESSED_LINE: Final = lines_of((COMPRESSED,))


@dataclass(slots=True)
class GraphQLResponse:
    """A status, a body, and headers with names in lower case.

    The body is a list for a batch, which is rejected: clients expect one entry for each part.
    """

    status: int
    body: dict[str, Any] | list[dict[str, Any]]
    headers: Headers = ()


class SerializedData:
    """The data of a long response, as JSON. Not a dataclass: orjson serializes those by itself."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def _fragment(value: object) -> orjson.Fragment:
    if isinstance(value, SerializedData):
        return orjson.Fragment(value.json)
    raise TypeError


def as_json(body: object) -> bytes:
    """A body, a message with one, or a part of one, serialized as JSON."""
    try:
        return orjson.dumps(body, default=_fragment)
    except TypeError:
        return b"".join(pieces(body))


def pieces(value: Any) -> Iterator[bytes]:
    """A value as JSON in pieces: each object or list without nested ones is one piece."""
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
        return orjson.dumps(value, default=_fragment)
    except TypeError:
        # An id from a client may hold lone surrogates, which orjson doesn't serialize. Fragments
        # beside it may be long, and are JSON already.
        return json.dumps(value, default=_value_of).encode()


def _value_of(fragment: object) -> object:
    """The value of what is JSON already; raises TypeError for anything else."""
    return orjson.loads(orjson.dumps(fragment, default=_fragment))


def _around(body: dict[str, Any]) -> tuple[bytes, bytes]:
    """What stands before and after the data in the JSON of a body."""
    errors = as_json({"errors": body["errors"]})[:-1] + b"," if "errors" in body else b"{"
    others = {name: value for name, value in body.items() if name not in {"errors", "data"}}
    return errors + b'"data":', b"," + as_json(others)[1:] if others else b"}"


class ResponseSender:
    """Sends responses over HTTP, with gzip of this level if accepted; None disables gzip.

    Callers are charged for long responses.
    """

    def __init__(self, level: int | None, limits: RateLimits) -> None:
        self.level = level
        self.limits = limits

    def charge(self, body: bytes, kind: int = COST) -> bytes:
        """Charge the current caller for a long body, as cost of this kind, and return the body."""
        self._charge_bytes(len(body), kind)
        return body

    def _charge_bytes(self, size: int, kind: int) -> None:
        if size > FREE_BYTES and (caller := current_record().caller) is not None:
            self.limits.charge(caller, kind, (size - FREE_BYTES) // BYTES_PER_OBJECT)

    async def send(
        self, scope: Scope, send: Send, response: GraphQLResponse, media_type: str
    ) -> None:
        """Send a response: as one write if the server offers that, else as ASGI messages."""
        result = response.body
        first = result[0] if isinstance(result, list) else result
        if "errors" in first:
            current_record().error_codes = error_codes(first["errors"])
        data = first.get("data")
        if isinstance(data, SerializedData):
            await self._send_long(scope, send, response, data, media_type)
            return
        body, is_compressed = as_json(result), False
        if len(body) >= MIN_COMPRESSED_BYTES:
            self.charge(body)
            if self.level and headers_of(scope).accept_gzip:
                body, is_compressed = await compressed(body, self.level), True
        if isinstance(send, SendWithHeaders):
            lines = LINES[media_type, is_compressed] % len(body) + lines_of(response.headers)
            if is_compressed:
                lines += COMPRESSED_LINE
            if send.send_response(scope, response.status, lines, body):
                return
        await _start(send, response, media_type, len(body), is_compressed=is_compressed)
        await send({"type": "http.response.body", "body": body})

    async def _send_long(
        self, scope: Scope, send: Send, response: GraphQLResponse, data: SerializedData, media: str
    ) -> None:
        """Send a response with long data, without a copy of all of it."""
        assert isinstance(response.body, dict)
        before, after = _around(response.body)
        parts: tuple[bytes, ...] = before, data.json, after
        self._charge_bytes(sum(map(len, parts)), COST)
        level = self.level if self.level and headers_of(scope).accept_gzip else None
        if level:
            parts = (await compressed(b"".join(parts), level),)
        await _start(send, response, media, sum(map(len, parts)), is_compressed=bool(level))
        time_slice = TimeSlice()
        for chunk in chain.from_iterable(map(_chunks, parts)):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await time_slice.checkpoint()
        await send({"type": "http.response.body", "body": b""})


def _chunks(body: bytes) -> Iterator[bytes]:
    return (body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES))


async def _start(
    send: Send, response: GraphQLResponse, media_type: str, size: int, *, is_compressed: bool
) -> None:
    """Send the head of a response whose body has `size` bytes."""
    head = _head(media_type, b"%d" % size, is_compressed=is_compressed)
    headers = [*head, *response.headers, *((COMPRESSED,) if is_compressed else ())]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
