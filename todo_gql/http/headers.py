"""The headers of a request, which are looked through once."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from starlette.types import Scope

Headers: TypeAlias = Mapping[bytes, bytes]
"""The values of headers by their names in lower case."""

# Where in a scope its headers stand once they were looked through.
LOOKED_THROUGH: Final = "todo_gql.headers"


def headers_of(scope: Scope) -> Headers:
    """The headers of a request; several of one name are joined by commas."""
    known: Headers | None = scope.get(LOOKED_THROUGH)
    if known is None:
        known = scope[LOOKED_THROUGH] = _joined(scope["headers"])
    return known


def _joined(pairs: list[tuple[bytes, bytes]]) -> Headers:
    headers = dict(pairs)
    if len(headers) < len(pairs):
        for name in headers:
            headers[name] = b", ".join(value for key, value in pairs if key == name)
    return headers


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a header, given in lower case; several are joined by commas."""
    value = headers_of(scope).get(name)
    return None if value is None else value.decode("latin-1")


def bearer_token(headers: Headers) -> str | None:
    """The token of the Authorization header; None if there is none of the kind."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip().decode("latin-1") or None if scheme.lower() == b"bearer" else None
