"""From which pages browsers may come, and telling the log of those that may not."""

import logging
from collections.abc import Sequence
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from todo_gql.http.headers import header
from todo_gql.settings import Settings

# Where in the scope of a WebSocket that was refused for its origin the id of that answer stands.
REFUSED: Final = "todo_gql.refused"
logger = logging.getLogger(__name__)

# What a stranger sends is told, but no novel of it, and not again and again.
LONGEST_SHOWN: Final = 200
MOST_TOLD: Final = 20
TOLD_AGAIN_SECONDS: Final = 3600.0


def is_listed(origin: str, allowed: Sequence[str]) -> bool:
    """Whether BACKEND_CORS_ORIGINS names an origin."""
    return "*" in allowed or origin.rstrip("/") in {each.rstrip("/") for each in allowed}


def is_allowed_origin(scope: Scope, settings: Settings) -> bool:
    """Whether a request comes from a page of this server or of BACKEND_CORS_ORIGINS, or from none."""
    origin = header(scope, b"origin")
    if origin is None or is_listed(origin, settings.backend_cors_origins):
        return True
    try:
        return urlsplit(origin).netloc.lower() == (header(scope, b"host") or "").lower() != ""
    except ValueError:
        return False


def origin_shown(scope: Scope) -> str | None:
    """The origin of a request as far as a log shows it, in ASCII alone, None without one."""
    origin = header(scope, b"origin")
    if origin is None:
        return None
    shown = origin[:LONGEST_SHOWN].encode("unicode_escape").decode("ascii")
    return shown if len(origin) <= LONGEST_SHOWN else f"{shown}…"


class Preflights:
    """Tells the log from which origins pages ask in vain whether they may send something.

    The browser tells its user no more than that something failed, and so does what it sends next,
    since that is nothing. Each origin is told once an hour, and of the first 20 only.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = allowed
        self._told: set[str] = set()
        self._since = monotonic()

    def look_at(self, scope: Scope) -> None:
        """Tell of a request with the method OPTIONS, if it is such a question."""
        origin = origin_shown(scope)
        if origin is None or header(scope, b"access-control-request-method") is None:
            return
        if is_listed(header(scope, b"origin") or "", self.allowed):
            return
        if monotonic() - self._since > TOLD_AGAIN_SECONDS:
            self._told.clear()
            self._since = monotonic()
        if origin in self._told or len(self._told) >= MOST_TOLD:
            return
        self._told.add(origin)
        logger.warning(
            "pages of %s can't use this server: BACKEND_CORS_ORIGINS doesn't name that origin%s",
            origin,
            "; no more are told of for an hour" if len(self._told) == MOST_TOLD else "",
        )
