"""The headers of a request, parsed once, and the header lines of a response."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from todo_gql.http.negotiation import Accepted, accepted, accepts_gzip

Pairs = list[tuple[bytes, bytes]]
"""Names in lower case, and values as received."""

LINE_END: Final = b"\r\n"
# The key of a scope under which its parsed headers are stored.
PARSED_HEADERS: Final = "todo_gql.headers"
# Longer values, which no real client sends, are cut before they are cached.
MAX_CACHED_LENGTH: Final = 1_000
FORWARDING: Final = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
# Schemes of credentials that browsers send by themselves, for example to a proxy in front of us.
PROXY_SCHEMES: Final = frozenset({b"basic", b"digest", b"negotiate", b"ntlm"})


class Headers(dict[bytes, bytes]):
    """The values of headers by their names in lower case; several of one name are joined by commas.

    The attributes are derived once, also where a connection sends the same headers again: `accepted`
    from Accept, `token` from Authorization (None without one), `user_agent`, `are_forwarded` (whether
    a proxy added headers) and `accept_gzip`. `announce_json` is set by whoever has checked that the
    body is JSON of an allowed length.
    """

    __slots__ = (
        "accept_gzip",
        "accepted",
        "announce_json",
        "are_forwarded",
        "token",
        "user_agent",
    )

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        if len(self) < len(pairs):
            values = defaultdict[bytes, list[bytes]](list)
            for name, value in pairs:
                values[name].append(value)
            self.update((name, b", ".join(several)) for name, several in values.items())
        self.accepted: Accepted = accepted(self.get(b"accept", b"")[:MAX_CACHED_LENGTH])
        self.token: str | None = _bearer_token(self.get(b"authorization"))
        self.user_agent = _text(self.get(b"user-agent"))
        self.are_forwarded = not FORWARDING.isdisjoint(self)
        self.accept_gzip = accepts_gzip(self.get(b"accept-encoding", b"")[:MAX_CACHED_LENGTH])
        self.announce_json = False


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _bearer_token(authorization: bytes | None) -> str | None:
    """The token of an Authorization header (RFC 6750, section 2.1); None without one for us.

    Credentials with another scheme, or none, get a space, which no token contains: they are rejected
    as an invalid token rather than ignored.
    """
    credentials = (authorization or b"").strip()
    scheme, _, token = credentials.partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip().decode("latin-1") or None
    if not credentials or scheme.lower() in PROXY_SCHEMES:
        return None
    return credentials.decode("latin-1") + " "


def headers_of(scope: Scope) -> Headers:
    """The headers of a request."""
    parsed: Headers | None = scope.get(PARSED_HEADERS)
    if parsed is None:
        parsed = scope[PARSED_HEADERS] = Headers(scope["headers"])
    return parsed


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a header, whose name is in lower case, as text; None without the header."""
    return _text(headers_of(scope).get(name))


def lines_of(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The header lines of a response's head (RFC 9112, section 5), each with its line end."""
    return b"".join([b"%b: %b\r\n" % pair for pair in pairs])
