"""People who follow their changes: over WebSockets and event streams, on a server that listens."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from tests.support.accounts import Account
from tests.support.waiting import until
from todo_gql.changelog.cursors import LogPosition
from todo_gql.changelog.feeds import Feed
from todo_gql.http.graphql.transport_ws import PROTOCOL
from todo_gql.http.graphql.websocket import WebSocket
from todo_gql.server.protocols import protocol_options
from todo_gql.settings import Settings

# The tasks of subscriptions that know where in the log they begin, with the feed that they follow.
BEGUN: WeakKeyDictionary[asyncio.Task[Any], Feed] = WeakKeyDictionary()
# Longer than anything takes that is expected to come at all.
PATIENCE = 30.0
CHANGES = """
subscription ($after: String, $filter: TodoFilter) {
  changes(after: $after, filter: $filter) {
    __typename
    ... on Change { cursor action todoId matches todo { title status tags { name } } }
    ... on ResyncRequired { reason cursor }
  }
}
"""


@contextlib.contextmanager
def noting_beginnings() -> Iterator[None]:
    """Note which subscriptions of this process have begun, for the length of a block."""
    begin = Feed.start

    def noting(feed: Feed, newest: LogPosition) -> None:
        begin(feed, newest)
        task = asyncio.current_task()
        assert task
        BEGUN[task] = feed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Feed, "start", noting)
        yield


async def followed_by(owner_id: str, number: int = 1) -> None:
    """Wait until so many subscriptions to an owner's log have begun, and no more are there."""

    def of_owner() -> int:
        feeds = [feed for task, feed in BEGUN.items() if not task.done()]
        return sum(str(feed.owner_id) == owner_id for feed in feeds)

    await until(lambda: of_owner() == number)


async def newest(account: Account) -> str:
    """The newest cursor of an account's feed."""
    return str((await account.data("{ changeCursor }"))["changeCursor"])


def operations(port: int) -> list[asyncio.Task[Any]]:
    """The operations that run in this process for the WebSocket from a port."""
    found: list[asyncio.Task[Any]] = []
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and frame.f_code is WebSocket._operate.__code__:
            scope = frame.f_locals["self"].scope
            found += [task] if scope["client"][1] == port else []
    return found


@asynccontextmanager
async def listening(app: ASGIApp, settings: Settings, **changes: Any) -> AsyncIterator[str]:
    """The address of a server for an application that is running already.

    `changes` are uvicorn's own options.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    options = protocol_options(settings) | changes
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, **options)
    server = uvicorn.Server(config)
    # The signals are those of the tests.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        with noting_beginnings():
            yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@dataclass
class Socket:
    """A WebSocket that speaks graphql-transport-ws."""

    connection: ClientConnection
    kept: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.connection.send(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(PATIENCE):
            return dict(json.loads(await self.connection.recv()))

    async def subscribe(self, query: str = CHANGES, id: str = "1", **variables: Any) -> None:
        """Begin an operation."""
        payload = {"query": query, "variables": variables}
        await self.send(id=id, type="subscribe", payload=payload)

    async def execute(self, query: str, id: str = "q", **variables: Any) -> Any:
        """The one answer to an operation, without its cost."""
        await self.subscribe(query, id, **variables)
        answer, end = await self.next(), await self.next()
        assert (answer["type"], answer["id"], end) == ("next", id, {"id": id, "type": "complete"})
        payload = answer["payload"]
        payload.pop("extensions", None)
        return payload

    async def settled(self) -> None:
        """Wait until each operation that was sent before has ended, or follows the log.

        The server takes messages in their order, so all of them run once this one is answered.
        Of a server in another process no more than that is known.
        """
        assert "data" in await self.execute("{ __typename }", "settled")
        port = self.connection.local_address[1]
        await until(lambda: all(task in BEGUN for task in operations(port)))

    async def changes(self, number: int) -> list[Any]:
        """The next events of a subscription to changes."""
        messages = [await self.next() for _ in range(number)]
        assert [message["type"] for message in messages] == ["next"] * number, messages
        return [message["payload"]["data"]["changes"] for message in messages]

    async def is_cut(self) -> None:
        """Read until the connection is lost; fails if the server closes it in order."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        assert self.connection.protocol.close_rcvd is None

    async def close_code(self) -> tuple[int, str]:
        """The code and reason that the server closes with."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        frame = self.connection.protocol.close_rcvd
        assert frame is not None, "the connection was lost without a closing frame"
        return frame.code, frame.reason


@asynccontextmanager
async def opened(address: str, **changed: Any) -> AsyncIterator[Socket]:
    """A WebSocket on which nothing was sent yet."""
    options: dict[str, Any] = {"subprotocols": [PROTOCOL], "open_timeout": PATIENCE, **changed}
    async with connect(f"ws://{address}/graphql", **options) as connection:
        yield Socket(connection)


@asynccontextmanager
async def connected(
    address: str, token: str | None = None, **options: Any
) -> AsyncIterator[Socket]:
    """A WebSocket of somebody who is signed in by a token."""
    async with opened(address, **options) as one:
        payload = {"authorization": f"Bearer {token}"} if token else None
        await one.send(type="connection_init", payload=payload)
        assert await one.next() == {"type": "connection_ack"}
        yield one


@dataclass
class Stream:
    """An event stream."""

    response: httpx.Response
    lines: AsyncIterator[str]
    comments: int = 0

    async def next(self) -> tuple[str, Any]:
        """The next event: its name and data."""
        name = ""
        async with asyncio.timeout(PATIENCE):
            async for line in self.lines:
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data:"):
                    data = line.removeprefix("data:").strip()
                    return name, json.loads(data) if data else None
        raise EOFError

    async def changes(self, number: int) -> list[Any]:
        """The next events of a subscription to changes."""
        events = [await self.next() for _ in range(number)]
        assert [name for name, _ in events] == ["next"] * number, events
        return [body["data"]["changes"] for _, body in events]


@asynccontextmanager
async def streaming(
    address: str, token: str | None, query: str = CHANGES, **variables: Any
) -> AsyncIterator[Stream]:
    """An event stream for an operation."""
    headers = {"accept": "text/event-stream"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    body = {"query": query, "variables": variables}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("POST", f"http://{address}/graphql", json=body, headers=headers) as response,
    ):
        yield Stream(response, response.aiter_lines())


def frames(*parts: tuple[Opcode, bytes, bool], times: int = 1) -> bytes:
    """Frames of a client, as bytes."""
    return (
        b"".join(Frame(kind, data, fin).serialize(mask=True) for kind, data, fin in parts) * times
    )
