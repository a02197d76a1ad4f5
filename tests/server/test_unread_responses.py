"""Whoever doesn't read an answer is cut, however it is sent, and leaves nothing behind."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.types import ASGIApp
from websockets.frames import Opcode

from tests.support.accounts import Account
from tests.support.subscribers import PATIENCE, frames, listening
from todo_gql.app import create_app
from todo_gql.http.graphql import sse, websocket
from todo_gql.server import write_timeout
from todo_gql.settings import Settings

SECONDS = 0.5
RECEIVED_BYTES = 4096
# Of the answer at least.
LENGTH = 12 * 25 * 16_000
NAMES = " ".join(f"n{number}: metadata" for number in range(25))
QUERY = f"{{ todos(first: 12) {{ nodes {{ {NAMES} }} }} }}"
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def post(token: str, accept: str) -> bytes:
    """A request for the long answer."""
    body = json.dumps({"query": QUERY}).encode()
    return (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: %b\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
        % (accept.encode(), token.encode(), len(body), body)
    )


def over_socket(token: str) -> bytes:
    """The same on a WebSocket."""
    begin = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
    ask = {"type": "subscribe", "id": "1", "payload": {"query": QUERY}}
    messages = (json.dumps(one).encode() for one in (begin, ask))
    return HANDSHAKE + frames(*[(Opcode.TEXT, one, True) for one in messages])


WAYS = {
    "HTTP": lambda token: post(token, "application/json"),
    "an event stream": lambda token: post(token, "text/event-stream"),
    "a WebSocket": over_socket,
}


@pytest.fixture
async def address(
    app: ASGIApp, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A server that waits half a second for who doesn't read."""
    monkeypatch.setattr(write_timeout, "UNREAD_SECONDS", SECONDS)
    monkeypatch.setattr(websocket, "SEND_SECONDS", SECONDS)
    monkeypatch.setattr(sse, "SEND_SECONDS", SECONDS)
    changed = settings.model_copy(update={"rate_limit_cost": 0})
    async with listening(create_app(changed, database_url), settings) as address:
        yield address


@pytest.fixture
async def writer(account: Account) -> Account:
    """Somebody whose todos are as long as they may be."""
    query = "mutation ($i: [TodoCreateInput!]!) { todoBulkCreate(inputs: $i) { errors { code } } }"
    await account.data(query, i=[{"title": "Long", "metadata": {"m": "m" * 16_000}}] * 12)
    return account


@asynccontextmanager
async def asking(address: str, sent: bytes) -> AsyncIterator[socket.socket]:
    """A connection with small buffers, on which something was sent and nothing is read."""
    host, port = address.split(":")
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        connection.settimeout(0)
        await loop.sock_connect(connection, (host, int(port)))
        await loop.sock_sendall(connection, sent)
        yield connection


async def rest(connection: socket.socket) -> int:
    """How many bytes still come until the connection ends."""
    received, loop = 0, asyncio.get_running_loop()
    with suppress(ConnectionResetError):
        while part := await loop.sock_recv(connection, 2**20):
            received += len(part)
    return received


@pytest.mark.parametrize("way", WAYS)
async def test_who_does_not_read_a_long_answer_is_cut(
    address: str, writer: Account, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that doesn't read a long answer is cut off after a while without progress."""
    lost = asyncio.Event()
    stop = write_timeout.WriteTimeout.stop

    def stopped(self: write_timeout.WriteTimeout) -> None:
        stop(self)
        # Not when a connection becomes a WebSocket.
        if self._transport.is_closing():
            lost.set()

    async with asking(address, WAYS[way](writer.token)) as connection:
        monkeypatch.setattr(write_timeout.WriteTimeout, "stop", stopped)
        async with asyncio.timeout(PATIENCE):
            await lost.wait()
            assert await rest(connection) < LENGTH


async def test_who_reads_a_long_answer_slowly_gets_all_of_it(address: str, writer: Account) -> None:
    """A client that reads slowly gets all of a long answer, though the buffer was full for long."""
    loop = asyncio.get_running_loop()
    async with asking(address, post(writer.token, "application/json")) as connection:
        received, until = 0, loop.time() + 4 * SECONDS
        async with asyncio.timeout(PATIENCE):
            while loop.time() < until:
                received += len(await loop.sock_recv(connection, RECEIVED_BYTES))
                await asyncio.sleep(0.01)
            connection.shutdown(socket.SHUT_WR)
            assert received + await rest(connection) > LENGTH
