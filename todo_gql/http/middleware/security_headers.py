"""The headers that keep browsers from doing with an answer what it isn't for."""

from typing import Final, TypeAlias

from todo_gql.http.headers import lines_of

Headers: TypeAlias = list[tuple[bytes, bytes]]

ALWAYS: Final = (
    # An answer that is data isn't to do anything, should a browser ever show it.
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
    """Adds to an answer's headers those that it hasn't got."""

    def __init__(self, *, production: bool) -> None:
        self._always = [*ALWAYS, *(IN_PRODUCTION if production else ())]
        self._names = {name for name, _ in self._always}
        self.lines = lines_of(self._always)
        """Those of an answer that is data, as they stand in its head."""

    def missing(self, headers: Headers) -> Headers:
        """The headers to add."""
        given = dict(headers)
        if given.get(b"content-type", b"").startswith(b"text/html"):
            return [header for header in (*self._always, *ON_PAGES) if header[0] not in given]
        if self._names.isdisjoint(given):
            return self._always
        return [header for header in self._always if header[0] not in given]
