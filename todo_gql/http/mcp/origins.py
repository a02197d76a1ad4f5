"""The origins whose pages may call agents' tools: no page that a name was rebound for is among them."""

from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from todo_gql.http.graphql.origins import is_listed
from todo_gql.http.headers import header
from todo_gql.settings import Settings

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def is_trusted_origin(scope: Scope, settings: Settings) -> bool:
    """Whether a request has no Origin, one of BACKEND_CORS_ORIGINS, PUBLIC_URL's, or this machine's own.

    An Origin that is the same as Host proves nothing else: a name can be rebound to any address.
    """
    origin = header(scope, b"origin")
    if origin is None or is_listed(origin, settings.backend_cors_origins):
        return True
    try:
        sent = urlsplit(origin)
        if settings.public_url and sent[:2] == urlsplit(settings.public_url)[:2]:
            return True
        return sent.hostname in LOOPBACK and sent.netloc == header(scope, b"host")
    except ValueError:
        return False
