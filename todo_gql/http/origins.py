"""From which pages browsers may open what isn't held back by CORS."""

from urllib.parse import urlsplit

from starlette.types import Scope

from todo_gql.http.headers import header
from todo_gql.settings import Settings


def is_welcome(scope: Scope, settings: Settings) -> bool:
    """Whether a request comes from a page of this server or of BACKEND_CORS_ORIGINS, or from none."""
    origin = header(scope, b"origin")
    if origin is None:
        return True
    allowed = settings.backend_cors_origins
    if "*" in allowed or origin.rstrip("/") in {each.rstrip("/") for each in allowed}:
        return True
    try:
        return urlsplit(origin).netloc.lower() == (header(scope, b"host") or "").lower() != ""
    except ValueError:
        return False
