"""People who vanish without a word leave nothing behind."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from tests.support.accounts import Account
from tests.support.subscribers import Socket, connected, listening, opened, streaming
from tests.support.waiting import until
from todo_gql.changelog import feed_registry
from todo_gql.http.graphql.connections import Connections
from todo_gql.http.graphql.endpoint import GraphQLRoute
from todo_gql.http.graphql.sse import EventStreams
from todo_gql.http.graphql.subscriptions import SubscriptionExecutor
from todo_gql.http.graphql.websocket import WebSockets
from todo_gql.http.pages.graphiql import GraphiQL
from todo_gql.schema import graphql_schema
from todo_gql.security.rate_limits import RateLimits
from todo_gql.server.websocket_protocol import WebSocketProtocol
from todo_gql.settings import Settings

DISCONNECTS, AT_ONCE = 300, 50


@pytest.fixture
def connections() -> Connections:
    """Who is connected to the server of a test."""
    return Connections()


@pytest.fixture
async def address(app: ASGIApp, settings: Settings, connections: Connections) -> AsyncIterator[str]:
    """Where a server of the test's own listens, on which one user may have many connections."""
    settings = settings.model_copy(update={"connections_per_user": DISCONNECTS})
    route = GraphQLRoute(graphql_schema(), settings, RateLimits(settings), GraphiQL().page)
    subscription_executor = SubscriptionExecutor(route, connections)
    routes = [
        Route("/graphql", EventStreams(subscription_executor, connections, settings)),
        WebSocketRoute("/graphql", WebSockets(subscription_executor, connections, settings)),
    ]
    async with listening(Starlette(routes=routes), settings) as address:
        yield address


async def settle(connections: Connections) -> None:
    """Wait until the server has noticed that everybody is gone."""
    await until(
        lambda: not len(connections) + connections.subscriptions + len(feed_registry.feeds())
    )


async def test_live_subscriptions_are_counted(
    account: Account, address: str, connections: Connections
) -> None:
    """Live subscriptions of both kinds are counted from when they begin until they end."""
    async with connected(address, account.token) as one, streaming(address, account.token) as two:
        await one.subscribe()
        await one.subscribe(id="2")
        await one.settled()
        await until(lambda: connections.subscriptions == 3)
        assert len(connections) == 2
        await one.send(id="2", type="complete")
        await one.settled()
        await two.response.aclose()
        await until(lambda: connections.subscriptions == 1)
        assert len(connections) == 1
    await settle(connections)


def doing() -> Counter[str]:
    """What the tasks of this process do, but for waiting with a limit."""
    names = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
    return Counter(name for name in names if name != "Event.wait")


async def vanish(one: Socket) -> None:
    """Break a connection off."""
    one.connection.transport.abort()
    await one.connection.wait_closed()


async def test_abrupt_disconnects_leave_nothing_behind(
    account: Account, address: str, connections: Connections
) -> None:
    """Hundreds of abrupt disconnects leave no task, connection, feed, or object behind."""
    await account.create()
    before = doing()
    for _ in range(DISCONNECTS // AT_ONCE):
        async with AsyncExitStack() as stack:
            sockets = [
                await stack.enter_async_context(connected(address, account.token))
                for _ in range(AT_ONCE)
            ]
            for number, one in enumerate(sockets):
                # Some of them in the midst of catching up, or of a query.
                await one.subscribe()
                if number % 3:
                    await one.execute("{ __typename }")
                await one.subscribe("{ todos { nodes { id history { nodes { id } } } } }", "q")
            await account.create()
            await asyncio.gather(*map(vanish, sockets))
    await settle(connections)
    await until(lambda: doing() <= before)
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, WebSocketProtocol)] == []


def nothing_is_left() -> bool:
    """Whether no connection of a WebSocket is in memory."""
    gc.collect()
    return not any(isinstance(each, WebSocketProtocol) for each in gc.get_objects())


async def test_refused_tokens_leave_nothing_behind(address: str, connections: Connections) -> None:
    """No object of a connection stays that was closed for what its token is."""
    async with opened(address) as one:
        await one.send(type="connection_init", payload={"authorization": "Bearer none"})
        assert (await one.close_code())[0] == 4403
    await settle(connections)
    await until(nothing_is_left)


async def test_streams_that_break_off_leave_nothing_behind(
    account: Account, address: str, connections: Connections
) -> None:
    """Neither the task that sends nor the subscription."""
    before = doing()
    for _ in range(20):
        async with streaming(address, account.token) as stream:
            await anext(stream.lines)
    await settle(connections)
    await until(lambda: doing() <= before)
