"""The ASGI application, made from settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from todo_gql import db
from todo_gql.changes.live import following
from todo_gql.http.account_pages import account_routes
from todo_gql.http.connections import Connections
from todo_gql.http.event_streams import EventStreams
from todo_gql.http.graphiql import GraphiQL
from todo_gql.http.graphql import GraphQLRoute
from todo_gql.http.health import health_routes
from todo_gql.http.index import index_route
from todo_gql.http.middleware import on_exception, with_middleware
from todo_gql.http.responses import Responder
from todo_gql.http.websocket import WebSockets
from todo_gql.rate_limits import RateLimits
from todo_gql.schema import graphql_schema
from todo_gql.settings import Settings
from todo_gql.worker import working


def create_app(settings: Settings, database_url: str, *, with_worker: bool = False) -> ASGIApp:
    """The application on the database at `database_url`, which it connects to when it starts.

    `with_worker` has it do the jobs in the queue, too, as on a laptop.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await db.connect(database_url, settings)
        beside = working(settings, database_url) if with_worker else nullcontext()
        try:
            async with beside, following(settings, database_url), connections.watched():
                yield
        finally:
            await db.disconnect()

    limits = RateLimits(settings)
    graphiql = GraphiQL()
    graphql = GraphQLRoute(graphql_schema(), settings, limits, graphiql.page)
    connections = Connections()
    responder = Responder(graphql, connections)
    routes = [
        # A route for a class instance takes every method and leaves the answer to it.
        Route("/graphql", EventStreams(responder, connections, settings)),
        WebSocketRoute("/graphql", WebSockets(responder, connections, settings)),
        graphiql.assets,
        *account_routes(settings, limits),
        *health_routes(db.server_version),
        index_route(),
    ]
    return with_middleware(
        Starlette(routes=routes, lifespan=lifespan, exception_handlers={Exception: on_exception}),
        cors_origins=settings.backend_cors_origins,
        compression_level=settings.compression_level if settings.enable_compression else None,
        log_level=settings.log_level,
    )
