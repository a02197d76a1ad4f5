"""The page at `/`: the version of the server, and links to its other pages."""

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
_PAGES: Final = (
    ("/health", "Health", "Status, version and database, for people"),
    ("/health/live", "Liveness", "Whether the process answers, for orchestrators"),
    ("/health/ready", "Readiness", "Whether requests can be served, for load balancers"),
)


async def _index(request: Request, pages: Sequence[tuple[str, str, str]]) -> Response:
    if prefers_html(request.headers.get("accept")):
        return rendering.page("index", version=build().version, pages=pages)
    paths = {
        "graphql": "/graphql",
        "agents": "/mcp",
        "health": "/health",
        "live": "/health/live",
        "ready": "/health/ready",
    }
    return JSONResponse(
        {"name": "todo_gql", "version": build().version, **paths}, headers=rendering.COMMON_HEADERS
    )


def index_route(*, has_graphiql: bool = True) -> Route:
    """The route of `/`: HTML for browsers, JSON for all others."""
    pages = (_GRAPHIQL, *_PAGES) if has_graphiql else _PAGES

    async def index(request: Request) -> Response:
        return await _index(request, pages)

    return Route("/", index)
