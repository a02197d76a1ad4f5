"""Whoever sends more than anybody can need is refused, and others are answered meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection
from websockets.frames import Opcode

from tests.support.accounts import Account
from tests.support.raw_connections import answers_in, connect
from tests.support.subscribers import PATIENCE, Socket, connected, frames, listening, opened
from tests.support.waiting import PutForward, until
from todo_gql.http.graphql.transport_ws import CloseCode
from todo_gql.server import http_protocol, websocket_protocol
from todo_gql.server.http_protocol import MAX_PIPELINED
from todo_gql.settings import Settings

BURST = 50
PAYLOAD = b"\x00" * 16
PING = json.dumps({"type": "ping"}).encode()
LONG = json.dumps(
    {"type": "subscribe", "id": "1", "payload": {"query": "{", "variables": {"a": "a" * 100_000}}}
).encode()
PONG = json.dumps({"type": "pong"}).encode()
COMPLETE = json.dumps({"type": "complete", "id": "never begun"}).encode()
FAILING = json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{"}}).encode()
MANY = 400
HEALTH = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b'{"query": "{ __typename }"}'
QUERY = (
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


@pytest.fixture
async def address(
    app: ASGIApp, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A server whose sockets may be sent 50 frames at once, and that waits shortly for who is refused."""
    monkeypatch.setattr(websocket_protocol, "REFUSED_SECONDS", 0.2)
    changed = settings.model_copy(update={"socket_message_burst": BURST})
    async with listening(app, changed) as address:
        yield address


TEXT, CONT = Opcode.TEXT, Opcode.CONT
FLOODS = {
    "pings": frames((TEXT, PING, True), times=MANY),
    "pongs": frames((TEXT, PONG, True), times=MANY),
    "completes of what never began": frames((TEXT, COMPLETE, True), times=MANY),
    "operations that fail": frames((TEXT, FAILING, True), times=MANY),
    "pings of the WebSocket": frames((Opcode.PING, PAYLOAD, True), times=MANY),
    "pongs of the WebSocket": frames((Opcode.PONG, PAYLOAD, True), times=MANY),
    "a few long operations": frames((TEXT, LONG, True), times=10),
    "empty fragments": frames((TEXT, b"", False)) + frames((CONT, b"", False), times=MANY),
    "fragments and pings between": frames((TEXT, b"{", False))
    + frames((CONT, b" ", False), (Opcode.PING, b"", True), times=MANY),
}


async def send_raw(connection: ClientConnection, data: bytes) -> None:
    """Send bytes that were frames before the library could see them."""
    connection.transport.write(data)
    await asyncio.sleep(0)


def assert_refused(code: tuple[int, str]) -> None:
    """Fail unless it was said why the connection is closed."""
    assert code == (
        1008,
        "You send more than 50 messages a second: send fewer, and open a new connection.",
    )


@pytest.mark.parametrize("name", FLOODS)
async def test_a_socket_that_is_flooded_is_closed(address: str, name: str) -> None:
    """A flooded socket is closed whatever messages flood it, with a reason that says what to do."""
    async with connected(address) as socket:
        await send_raw(socket.connection, FLOODS[name])
        assert_refused(await socket.close_code())
    async with connected(address) as other:
        await other.settled()


async def test_a_flood_while_a_socket_is_closed_changes_nothing(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason why it is closed stays, and nothing fails."""
    caplog.set_level("INFO")
    async with connected(address) as socket:
        # The client doesn't answer the close before the flood is sent.
        socket.connection.transport.pause_reading()
        await send_raw(socket.connection, frames((TEXT, b"{", True)))
        await until(lambda: "closed with 4400" in caplog.text)
        await send_raw(socket.connection, FLOODS["pings"])
        await until(lambda: "closed with 1008" in caplog.text)
        socket.connection.transport.resume_reading()
        assert (await socket.close_code())[0] == CloseCode.BAD_REQUEST
    async with connected(address) as other:
        await other.settled()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("name", ["pings", "pings of the WebSocket", "pongs"])
async def test_a_flood_before_the_beginning_counts(address: str, name: str) -> None:
    """Messages before connection_init count too."""
    async with opened(address) as socket:
        await send_raw(socket.connection, FLOODS[name])
        assert_refused(await socket.close_code())


async def test_the_operations_of_a_flooded_socket_end(address: str, account: Account) -> None:
    """The operations of a flooded socket end, and those of the same user on another one go on."""
    async with (
        connected(address, account.token) as flooded,
        connected(address, account.token) as other,
    ):
        for socket in (flooded, other):
            await socket.subscribe()
            await socket.settled()
        await send_raw(flooded.connection, FLOODS["pings"])
        assert_refused(await flooded.close_code())
        todo = await account.create(title="Seen")
        [change] = await other.changes(1)
        assert change["todoId"] == todo["id"]


async def test_who_goes_on_sending_is_cut(address: str) -> None:
    """A client that goes on sending is cut off after a moment in which its messages are dropped."""
    async with connected(address) as socket:
        flood, connection = FLOODS["pings"], socket.connection

        async def send_on() -> None:
            while not connection.transport.is_closing():
                connection.transport.write(flood)
                await asyncio.sleep(0.01)

        async with asyncio.timeout(PATIENCE):
            await send_on()


async def test_a_lively_socket_stays(address: str, put_forward: PutForward) -> None:
    """A lively socket gets an answer for each message of its burst, and of its rate after that."""
    async with connected(address) as socket:
        # The handshake's own message is one of them.
        await pinged(socket, BURST - 5)
        for _ in range(4):
            put_forward(0.25)
            await pinged(socket, 10)
        await socket.settled()


async def pinged(socket: Socket, times: int) -> None:
    """Send pings and read their answers."""
    for _ in range(times):
        await socket.send(type="ping")
    for _ in range(times):
        assert await socket.next() == {"type": "pong"}


async def test_a_limit_of_nothing_is_none(app: ASGIApp, settings: Settings) -> None:
    """Whoever sets 0 answers everything."""
    changed = settings.model_copy(update={"socket_messages_per_second": 0})
    async with listening(app, changed) as address, connected(address) as socket:
        await pinged(socket, 300)


@pytest.mark.parametrize("request_", [HEALTH, QUERY], ids=["GET", "POST"])
async def test_requests_in_one_segment_are_all_answered(
    address: str, request_: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests in one segment are answered in order, and only a limited number of them wait."""
    most = 0
    answer = http_protocol.LimitedProtocol._begin_response

    def counted(self: http_protocol.LimitedProtocol, *, keep_alive: bool) -> None:
        nonlocal most
        answer(self, keep_alive=keep_alive)
        most = max(most, len(self.pipeline))

    monkeypatch.setattr(http_protocol.LimitedProtocol, "_begin_response", counted)
    connection = await connect(address)
    number = 1000
    connection.transport.write(request_ * number)
    await until(lambda: connection.received.count(b"HTTP/1.1 200 OK") == number)
    found = answers_in(connection.received[:200_000])
    assert {one.status for one in found} == {200}
    assert most < MAX_PIPELINED + http_protocol.READ_BYTES // len(request_) + 2
    connection.transport.write(request_)
    await until(lambda: connection.received.count(b"HTTP/1.1 200 OK") == number + 1)
    connection.transport.abort()


async def test_what_ends_a_connection_is_read_behind_many_requests(address: str) -> None:
    """A handshake and what comes behind it, or nonsense, each in its turn."""
    handshake = (
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    begin = frames((TEXT, b'{"type": "connection_init"' + b" " * 5000 + b"}", True))
    connection = await connect(address)
    connection.transport.write(HEALTH * 300 + handshake + begin)
    await until(lambda: b"connection_ack" in connection.received)
    assert connection.received.count(b"HTTP/1.1 200 OK") == 300
    connection.transport.abort()
    refused = await connect(address)
    refused.transport.write(HEALTH * 300 + b"nonsense\r\n\r\n")
    statuses = [one.status for one in await refused.answers()]
    assert statuses == [200] * 300 + [400]


async def test_a_half_request_behind_many_is_waited_for(address: str) -> None:
    """A half request behind many is answered once the rest is there; a body in pieces, too."""
    body = json.dumps({"query": "{ __typename }" + " " * 100_000}).encode()
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    long = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    connection = await connect(address)
    connection.transport.write(HEALTH * 300 + long[:50_000])
    await until(lambda: connection.received.count(b"HTTP/1.1 200 OK") == 300)
    connection.transport.write(long[50_000:] + HEALTH)
    await until(lambda: connection.received.count(b"HTTP/1.1 200 OK") == 302)
    connection.transport.abort()
