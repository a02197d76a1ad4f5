"""Requests that ask for another protocol on their connection: each has one answer, in step."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from tests.support.http_connections import END, SMUGGLED, echo, told
from tests.support.raw_connections import answers, connect
from tests.support.subscribers import PATIENCE, listening
from todo_gql.settings import Settings

KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
HANDSHAKE = b"GET /ws HTTP/1.1\r\nHost: x\r\n%b" + KEY
UPGRADES = {
    "h2c": b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "h2c with settings": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    "TLS": b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    "anything": b"Connection: keep-alive, upgrade\r\nUpgrade: foo\r\n",
    "several": b"Connection: Upgrade\r\nUpgrade: HTTP/2.0, SHTTP/1.3, IRC/6.9\r\n",
    "several headers": b"Upgrade: h2c\r\nConnection: Upgrade\r\nUpgrade: foo\r\n",
    "two connection headers": b"Connection: Upgrade\r\nConnection: keep-alive\r\nUpgrade: h2c\r\n",
    "nothing": b"Connection: Upgrade\r\nUpgrade:\r\n",
    "a WebSocket by POST": b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + KEY,
    "a WebSocket or h2c by POST": b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
    "no connection header": b"Upgrade: h2c\r\n",
    "a connection header only": b"Connection: Upgrade\r\n",
}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Send back what came, or take a WebSocket and its first message."""
    if scope["type"] == "http":
        await echo(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    await send({"type": "websocket.send", "text": message.get("text", "")})


@pytest.fixture(scope="module")
async def address(settings: Settings) -> AsyncIterator[str]:
    """Where the application listens, which has no time to lose."""
    hasty = settings.model_copy(update={"request_timeout": 2.0})
    async with listening(application, hasty) as address:
        yield address


def sized(head: bytes) -> bytes:
    """A request whose body has a length."""
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(SMUGGLED), SMUGGLED)


def chunked(head: bytes) -> bytes:
    """A request whose body comes in chunks, with a header after them."""
    body = b"%x;a=b\r\n%b\r\n0\r\nX-After: 1\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + body


def cut(written: bytes, where: str) -> list[bytes]:
    """What is written, in one segment or in several."""
    head = written.index(b"\r\n\r\n") + 4
    match where:
        case "after the head":
            return [written[:head], written[head:]]
        case "in the head":
            return [written[: head - 3], written[head - 3 :]]
        case "in the body":
            return [written[: head + 8], written[head + 8 :]]
        case "everywhere":
            return [written[at : at + 9] for at in range(0, len(written), 9)]
        case _:
            return [written]


@pytest.mark.parametrize("framed", [sized, chunked])
@pytest.mark.parametrize(
    "where", ["nowhere", "after the head", "in the head", "in the body", "everywhere"]
)
@pytest.mark.parametrize("name", UPGRADES)
async def test_an_upgrade_that_is_not_taken_changes_nothing(
    address: str, name: str, where: str, framed: type
) -> None:
    """The body stays the request's own, and what follows is answered as it should be."""
    one = framed(b"POST /a HTTP/1.1\r\nHost: x\r\n" + UPGRADES[name])
    answered = await answers(address, cut(one + one + END, where))
    assert told(answered) == [b"POST /a " + SMUGGLED, b"POST /a " + SMUGGLED, b"GET /end "]


async def test_who_expects_to_go_on_is_told_though_they_ask_for_another_protocol(
    address: str,
) -> None:
    """A request with Expect and Upgrade gets one 100 Continue, and then its body is read."""
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue \r\n" + UPGRADES["h2c"]
    connection = await connect(address)
    await connection.send([head + b"Content-Length: 4\r\n\r\n"])
    while connection.received != b"HTTP/1.1 100 Continue\r\n\r\n":
        await asyncio.wait_for(connection.changed.wait(), PATIENCE)
    await connection.send([b"body", END])
    assert told(await connection.answers()) == [b"POST /a body", b"GET /end "]


async def test_a_request_without_a_body_may_ask_for_anything(address: str) -> None:
    """Again and again, behind others that aren't answered yet."""
    one = b"GET /a HTTP/1.1\r\nHost: x\r\n" + UPGRADES["h2c"] + b"\r\n"
    plain = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"
    answered = await answers(address, [plain + one, one, one + plain + END])
    expected = [b"GET /b ", b"GET /a ", b"GET /a ", b"GET /a ", b"GET /b ", b"GET /end "]
    assert told(answered) == expected


async def test_an_upgrade_in_http_1_0_is_ignored(address: str) -> None:
    """An upgrade in HTTP/1.0 is ignored, and the connection ends with the answer."""
    for upgrade in (UPGRADES["h2c"], UPGRADES["a WebSocket by POST"]):
        answered = await answers(address, [b"GET /a HTTP/1.0\r\n" + upgrade + b"\r\n" + END])
        assert told(answered) == [b"GET /a "]
        assert answered[0].is_last


async def test_a_tunnel_is_refused(address: str) -> None:
    """CONNECT has one answer, with which the connection ends, whatever follows."""
    for upgrade in (b"", UPGRADES["h2c"]):
        connecting = b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n" + upgrade
        answered = await answers(
            address, [END[:-2].replace(b"close", b"keep-alive") + b"\r\n" + sized(connecting) + END]
        )
        assert [answer.status for answer in answered] == [200, 501]
        assert answered[-1].is_last


@pytest.mark.parametrize(
    "upgrade",
    [
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"Connection: Upgrade\r\nConnection: keep-alive\r\nUpgrade: websocket\r\n",
        b"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
        b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
        b"Connection: Upgrade \r\nUpgrade: websocket \t\r\n",
        b"connection:upgrade\r\nUPGRADE:\tWebSocket\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n",
    ],
    ids=["plain", "two", "two, turned", "Firefox", "spaces", "case", "or h2c", "a length of 0"],
)
async def test_a_handshake_is_taken_as_clients_and_proxies_write_it(
    address: str, upgrade: bytes
) -> None:
    """A handshake in any usual form gets status 101, and pipelined bytes wait their turn."""
    frame = b"\x81\x82\0\0\0\0hi"
    plain = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    for asked, sent in (([], [frame]), ([plain], [frame])):
        connection = await connect(address)
        await connection.send([b"".join(asked) + HANDSHAKE % upgrade + b"\r\n" + b"".join(sent)])
        answered = await connection.answers(len(asked) + 1)
        assert [answer.status for answer in answered] == [200] * len(asked) + [101]
        while not connection.received.endswith(b"\x81\x02hi"):
            connection.changed.clear()
            await asyncio.wait_for(connection.changed.wait(), PATIENCE)
        connection.transport.abort()


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (KEY + b"Content-Length: 5\r\n\r\n", 400),
        (KEY + b"Content-Length: 5\r\n\r\nhello", 400),
        (KEY + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000, 400),
        (KEY + b"Transfer-Encoding: chunked\r\n\r\n", 400),
        (KEY + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400),
        (KEY.replace(b"13", b"8") + b"\r\n", 400),
        (b"Sec-WebSocket-Version: 13\r\n\r\n", 400),
        (KEY + b"X-Long: %b\r\n\r\n" % (b"x" * 9000), 400),
        (KEY + b"X: y\r\n" * 150 + b"\r\n", 400),
        (KEY + b"X: y\r\n" * 200 + b"\r\n", 431),
    ],
    ids=[
        "a body to come",
        "a body",
        "a long body",
        "chunks to come",
        "chunks",
        "an old version",
        "no key",
        "a long header",
        "many headers",
        "more headers than any request has",
    ],
)
async def test_a_handshake_that_is_none_is_refused_at_once(
    address: str, rest: bytes, status: int
) -> None:
    """A malformed handshake is refused in its turn with a reason, and the connection ends."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    head = b"GET /ws HTTP/1.1\r\nHost: x\r\n" + upgrade
    plain = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    for before in (b"", plain):
        answered = await answers(address, [before + head + rest, SMUGGLED])
        assert [answer.status for answer in answered][-1:] == [status]
        assert len(answered) == (2 if before else 1)
        assert answered[-1].is_last
        assert answered[-1].body
