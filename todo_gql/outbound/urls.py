"""Which URLs users may have the server send requests to."""

import re
from typing import Final

from yarl import URL

from todo_gql.outbound.addresses import AllowedHosts, literal_address

HTTPS_PORT: Final = 443
MIN_OTHER_PORT: Final = 1024
"""Below it are the ports of mail servers, databases and what else isn't HTTP."""

MAX_URL_LENGTH: Final = 2_000
# Parsers differ in what they do with these, and none belongs into a URL (RFC 3986).
UNFIT_CHARACTER: Final = re.compile(r'[\x00-\x20\x7f-\xa0\\<>"^`{|}]')


def url_problem(text: str, allowed: AllowedHosts) -> str | None:
    """What has to be changed before requests are sent to a URL; None if nothing has to.

    A host that is a name is looked up, and its addresses are checked, when a request is sent.
    """
    if len(text) > MAX_URL_LENGTH:
        return f"The URL has more than {MAX_URL_LENGTH:,} characters."
    url = _parse(text)
    if url is None:
        return "This is no URL like https://example.com/path."
    port, host = url.port or 0, url.host or ""
    is_address = literal_address(host) is not None
    rules = (
        (url.scheme == "https", "The URL must begin with https://."),
        (
            url.user is None and url.password is None and not url.fragment,
            "The URL can't have a user, a password or a fragment.",
        ),
        (
            port == HTTPS_PORT or port >= MIN_OTHER_PORT,
            f"The port must be {HTTPS_PORT}, or {MIN_OTHER_PORT} or greater.",
        ),
        (
            not is_address or allowed.has_name(host) or allowed.allow(host),
            "The address must be a public one.",
        ),
    )
    return next((problem for is_met, problem in rules if not is_met), None)


def _parse(text: str) -> URL | None:
    if UNFIT_CHARACTER.search(text):
        return None
    try:
        url = URL(text)
        is_complete = bool(url.scheme and url.host and url.port)
    except ValueError:
        return None
    return url if is_complete else None
