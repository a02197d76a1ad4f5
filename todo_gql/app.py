"""The ASGI application, made from settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp

from todo_gql import db
from todo_gql.http.graphiql import GraphiQL
from todo_gql.http.graphql import GraphQLRoute
from todo_gql.http.health import health_routes
from todo_gql.http.index import index_route
from todo_gql.http.middleware import on_exception, with_middleware
from todo_gql.http.shortcut import Shortcut
from todo_gql.schema import graphql_schema
from todo_gql.settings import Settings


def create_app(settings: Settings, database_url: str) -> ASGIApp:
    """The application on the database at `database_url`, which it connects to when it starts."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await db.connect(database_url, settings)
        try:
            yield
        finally:
            await db.disconnect()

    graphiql = GraphiQL()
    graphql = GraphQLRoute(graphql_schema(), settings, graphiql.page)
    routes = [
        graphiql.assets,
        *health_routes(db.server_version),
        index_route(),
    ]
    others = Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={Exception: on_exception}
    )
    return with_middleware(
        Shortcut("/graphql", graphql, others),
        cors_origins=settings.backend_cors_origins,
        compression_level=settings.compression_level if settings.enable_compression else None,
        log_level=settings.log_level,
    )
