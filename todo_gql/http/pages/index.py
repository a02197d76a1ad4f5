"""The page at `/`, which says what runs here and where its parts are."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from todo_gql.http.negotiation import prefers_html
from todo_gql.http.pages import rendering
from todo_gql.observability.build_info import build

_GRAPHIQL: Final = (
    "/graphql",
    "GraphiQL",
    "Write and run queries, read the schema’s documentation",
)
_PLACES: Final = (
    ("/health", "Health", "Status, version and database, for people"),
    ("/health/live", "Liveness", "Whether the process answers, for orchestrators"),
    ("/health/ready", "Readiness", "Whether requests can be served, for load balancers"),
)


async def _index(request: Request, places: Sequence[tuple[str, str, str]]) -> Response:
    if prefers_html(request.headers.get("accept")):
        return rendering.page("index", version=build().version, places=places)
    paths = {
        "graphql": "/graphql",
        "health": "/health",
        "live": "/health/live",
        "ready": "/health/ready",
    }
    return JSONResponse(
        {"name": "todo_gql", "version": build().version, **paths}, headers=rendering.COMMON_HEADERS
    )


def index_route(*, has_graphiql: bool = True) -> Route:
    """Give the route of `/`: HTML for browsers, JSON for all others."""
    places = (_GRAPHIQL, *_PLACES) if has_graphiql else _PLACES

    async def index(request: Request) -> Response:
        return await _index(request, places)

    return Route("/", index)
