"""The origins whose pages may use this server, and a log of those that may not."""

import logging
from collections.abc import Sequence
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from todo_gql.http.headers import header
from todo_gql.settings import Settings

# The key in a WebSocket's scope of the request id with which its origin was refused.
REFUSED: Final = "todo_gql.refused"
logger = logging.getLogger(__name__)

# What a stranger sends is logged shortened, and not repeatedly.
MAX_LOGGED_LENGTH: Final = 200
MAX_LOGGED_ORIGINS: Final = 20
LOG_AGAIN_SECONDS: Final = 3600.0


def is_listed(origin: str, allowed: Sequence[str]) -> bool:
    """Whether BACKEND_CORS_ORIGINS names an origin."""
    return "*" in allowed or origin.rstrip("/") in {each.rstrip("/") for each in allowed}


def is_allowed_origin(scope: Scope, settings: Settings) -> bool:
    """Whether a request has no Origin, this server's, or one of BACKEND_CORS_ORIGINS."""
    origin = header(scope, b"origin")
    if origin is None or is_listed(origin, settings.backend_cors_origins):
        return True
    try:
        return urlsplit(origin).netloc.lower() == (header(scope, b"host") or "").lower() != ""
    except ValueError:
        return False


def loggable_origin(scope: Scope) -> str | None:
    """The origin of a request for a log, shortened and escaped to ASCII; None without one."""
    origin = header(scope, b"origin")
    if origin is None:
        return None
    shown = origin[:MAX_LOGGED_LENGTH].encode("unicode_escape").decode("ascii")
    return shown if len(origin) <= MAX_LOGGED_LENGTH else f"{shown}…"


class Preflights:
    """Logs the origins whose CORS preflights are refused.

    A browser shows its user only that something failed, and then sends no request. Each origin is
    logged once an hour, and only the first 20.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = allowed
        self._logged: set[str] = set()
        self._since = monotonic()

    def log_refused(self, scope: Scope) -> None:
        """Log an OPTIONS request if it is a preflight that is refused."""
        origin = loggable_origin(scope)
        if origin is None or header(scope, b"access-control-request-method") is None:
            return
        if is_listed(header(scope, b"origin") or "", self.allowed):
            return
        if monotonic() - self._since > LOG_AGAIN_SECONDS:
            self._logged.clear()
            self._since = monotonic()
        if origin in self._logged or len(self._logged) >= MAX_LOGGED_ORIGINS:
            return
        self._logged.add(origin)
        logger.warning(
            "pages of %s can't use this server: BACKEND_CORS_ORIGINS doesn't name that origin%s",
            origin,
            "; no more are told of for an hour" if len(self._logged) == MAX_LOGGED_ORIGINS else "",
        )
