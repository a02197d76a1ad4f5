"""The ASGI application, made from settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from todo_gql import db
from todo_gql.http.account_pages import account_routes
from todo_gql.http.addresses import Forwarded
from todo_gql.http.graphiql import GraphiQL
from todo_gql.http.graphql import GraphQLRoute
from todo_gql.http.health import health_routes
from todo_gql.http.index import index_route
from todo_gql.http.middleware import on_exception, with_middleware
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
            async with beside:
                yield
        finally:
            await limits.close()
            await db.disconnect()

    limits = RateLimits(settings)
    graphiql = GraphiQL()
    page = graphiql.page if settings.has_graphiql else None
    graphql = GraphQLRoute(graphql_schema(), settings, limits, page)
    routes = [
        # A route for a class instance takes every method and leaves the answer to it.
        Route("/graphql", graphql),
        *([graphiql.assets] if page else ()),
        *account_routes(settings, limits),
        *health_routes(db.server_version),
        index_route(has_graphiql=settings.has_graphiql),
    ]
    answering = with_middleware(
        Starlette(routes=routes, lifespan=lifespan, exception_handlers={Exception: on_exception}),
        cors_origins=settings.backend_cors_origins,
        compression_level=settings.compression_level if settings.enable_compression else None,
        log_level=settings.log_level,
        production=settings.environment == "production",
    )
    return Forwarded(answering, settings.trusted_proxies)
