"""The ASGI application, made from settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from todo_gql.changelog.feed_registry import running_feeds
from todo_gql.database.connection import server_version
from todo_gql.database.tortoise_backend import connect, disconnect, stale_connection_monitor
from todo_gql.http.calendars import calendar_route
from todo_gql.http.files.endpoint import FileEndpoint
from todo_gql.http.graphql.connections import Connections
from todo_gql.http.graphql.endpoint import GraphQLRoute
from todo_gql.http.graphql.sse import EventStreams
from todo_gql.http.graphql.subscriptions import SubscriptionExecutor
from todo_gql.http.graphql.websocket import WebSockets
from todo_gql.http.mcp.endpoint import PATH, AgentsEndpoint
from todo_gql.http.middleware.compression import compressing
from todo_gql.http.middleware.path_dispatch import PathDispatch, PrefixDispatch
from todo_gql.http.middleware.stack import on_exception, with_middleware
from todo_gql.http.monitoring.metric_sampler import metric_sampler
from todo_gql.http.monitoring.observer import Observer
from todo_gql.http.monitoring.slow_operations import SlowOperations
from todo_gql.http.pages.account import account_routes
from todo_gql.http.pages.graphiql import GraphiQL
from todo_gql.http.pages.health import health_routes
from todo_gql.http.pages.index import index_route
from todo_gql.http.pages.invitation import invitation_route
from todo_gql.http.pages.unsubscribe import unsubscribe_route
from todo_gql.observability.metrics import metrics
from todo_gql.schema import graphql_schema
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings
from todo_gql.storage.links import FILES_PATH
from todo_gql.storage.local import LocalStore
from todo_gql.storage.stores import file_store
from todo_gql.tasks import working

Wrap = Callable[[ASGIApp], ASGIApp]


def create_app(
    settings: Settings,
    database_url: str,
    *,
    with_worker: bool = False,
    traced: Wrap | None = None,
) -> ASGIApp:
    """The application on the database at `database_url`, which it connects to when it starts.

    `with_worker` runs the jobs in the queue in this process, too. `traced` makes a span of
    each GraphQL request that the app it is given answers.
    """
    counted = metrics() if settings.prometheus_enabled else None

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await connect(database_url, settings)
        try:
            async with AsyncExitStack() as beside:
                await beside.enter_async_context(stale_connection_monitor())
                await beside.enter_async_context(running_feeds(settings, database_url))
                await beside.enter_async_context(connections.watched())
                await beside.enter_async_context(agents.running())
                if with_worker:
                    await beside.enter_async_context(working(settings, database_url))
                if counted:
                    documents = graphql.operations.cache_info
                    measured = metric_sampler(counted, documents, lambda: connections.subscriptions)
                    await beside.enter_async_context(measured)
                yield
        finally:
            await limits.close()
            await disconnect()

    slow_after = settings.slow_operation_ms
    observer = Observer(counted, SlowOperations(slow_after) if slow_after else None)
    limits = RateLimits(settings)
    graphiql = GraphiQL()
    page = compressing(graphiql.page, settings.gzip_level) if settings.has_graphiql else None
    graphql = GraphQLRoute(graphql_schema(), settings, limits, page)
    connections = Connections()
    subscription_executor = SubscriptionExecutor(graphql, connections)
    agents = AgentsEndpoint(graphql)
    streams = EventStreams(subscription_executor, connections, settings)
    routes = [
        WebSocketRoute(
            "/graphql", WebSockets(subscription_executor, connections, settings, observer)
        ),
        Route(PATH, traced(agents) if traced else agents),
        *([graphiql.assets] if page else ()),
        *account_routes(settings, limits),
        invitation_route(settings, limits),
        unsubscribe_route(settings),
        calendar_route(limits),
        *health_routes(server_version),
        index_route(has_graphiql=settings.has_graphiql),
    ]
    others = Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={Exception: on_exception}
    )
    compressed = compressing(others, settings.gzip_level)
    store = file_store(settings)
    if isinstance(store, LocalStore):
        # Files are sent as they are: parts of them can be requested.
        compressed = PrefixDispatch(FILES_PATH, FileEndpoint(store, limits), compressed)
    return with_middleware(
        PathDispatch("/graphql", traced(streams) if traced else streams, compressed),
        cors_origins=settings.backend_cors_origins,
        log_level=settings.log_level,
        observer=observer,
        production=settings.environment == "production",
        trusted_proxies=settings.trusted_proxies,
    )
