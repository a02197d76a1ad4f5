"""Headers that restrict what a browser may do with a response."""

from typing import Final, TypeAlias

from todo_gql.http.headers import lines_of

Headers: TypeAlias = list[tuple[bytes, bytes]]

ALWAYS: Final = (
    # Data may load and run nothing, should a browser ever render it.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
ON_PAGES: Final = (
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
IN_PRODUCTION: Final = ((b"strict-transport-security", b"max-age=31536000"),)


class SecurityHeaders:
    """The security headers of a response."""

    def __init__(self, *, production: bool) -> None:
        self._always = [*ALWAYS, *(IN_PRODUCTION if production else ())]
        self._names = {name for name, _ in self._always}
        self.lines = lines_of(self._always)
        """The header lines of a response of data."""

    def missing(self, headers: Headers) -> Headers:
        """The security headers that a response lacks."""
        present = dict(headers)
        if present.get(b"content-type", b"").startswith(b"text/html"):
            return [header for header in (*self._always, *ON_PAGES) if header[0] not in present]
        if self._names.isdisjoint(present):
            return self._always
        return [header for header in self._always if header[0] not in present]
