"""The page at `/`, which says what runs here and where its parts are."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from todo_gql import __version__
from todo_gql.http import pages
from todo_gql.http.negotiation import prefers_html

_PLACES: Final = (
    ("/graphql", "GraphiQL", "Write and run queries, read the schema’s documentation"),
    ("/health", "Health", "Status, version and database, for people"),
    ("/health/live", "Liveness", "Whether the process answers, for orchestrators"),
    ("/health/ready", "Readiness", "Whether requests can be served, for load balancers"),
)


async def _index(request: Request) -> Response:
    if prefers_html(request.headers.get("accept")):
        return pages.page("index", version=__version__, places=_PLACES)
    places = {
        "graphql": "/graphql",
        "health": "/health",
        "live": "/health/live",
        "ready": "/health/ready",
    }
    return JSONResponse(
        {"name": "todo_gql", "version": __version__, **places}, headers=pages.COMMON_HEADERS
    )


def index_route() -> Route:
    """Give the route of `/`: HTML for browsers, JSON for all others."""
    return Route("/", _index)
