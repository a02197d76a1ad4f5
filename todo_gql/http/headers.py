"""The headers of a request, parsed once, and header lines as they stand in a response."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from todo_gql.http.negotiation import Accepted, accepted, accepts_gzip

Pairs = list[tuple[bytes, bytes]]
"""Names, in lower case, and values as they came."""

LINE_END: Final = b"\r\n"
# Where in a scope its headers stand once they were looked through.
LOOKED_THROUGH: Final = "todo_gql.headers"
# What follows from a header is remembered beside it; no client sends longer ones.
LONGEST_REMEMBERED: Final = 1_000
FORWARDING: Final = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
# Browsers send these along by themselves, to us as well as to what stands before us.
OF_PROXIES: Final = frozenset({b"basic", b"digest", b"negotiate", b"ntlm"})


class Headers(dict[bytes, bytes]):
    """The values of headers by their names in lower case; several of one name are joined by commas.

    With them stands what follows from them, which is worked out once, also where a connection sends
    the same headers again and again: what an Accept header says, the token of an Authorization
    header, None if there is none of the kind, what the client calls itself, whether proxies say
    anything, and whether the answer may be compressed. `announce_json` is for who has found that
    out.
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
        self.accepted: Accepted = accepted(self.get(b"accept", b"")[:LONGEST_REMEMBERED])
        self.token: str | None = _bearer_token(self.get(b"authorization"))
        self.user_agent = _text(self.get(b"user-agent"))
        self.are_forwarded = not FORWARDING.isdisjoint(self)
        self.accept_gzip = accepts_gzip(self.get(b"accept-encoding", b"")[:LONGEST_REMEMBERED])
        self.announce_json = False


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _bearer_token(authorization: bytes | None) -> str | None:
    """The token of an Authorization header, None for one that is for a proxy or says nothing.

    What comes without the word Bearer, or with another one, keeps a space, which no token has: so it
    opens nothing, and its sender is told.
    """
    given = (authorization or b"").strip()
    scheme, _, token = given.partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip().decode("latin-1") or None
    if not given or scheme.lower() in OF_PROXIES:
        return None
    return given.decode("latin-1") + " "


def headers_of(scope: Scope) -> Headers:
    """The headers of a request."""
    known: Headers | None = scope.get(LOOKED_THROUGH)
    if known is None:
        known = scope[LOOKED_THROUGH] = Headers(scope["headers"])
    return known


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a header, given in lower case, as text."""
    return _text(headers_of(scope).get(name))


def lines_of(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header lines as they stand in the head of a response, each with its line end."""
    return b"".join([b"%b: %b\r\n" % pair for pair in pairs])
