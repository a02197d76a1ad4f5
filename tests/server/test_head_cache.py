"""Heads that come again, which aren't read again: every request is still its own."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from tests.support.http_connections import answer, connected, echo, post
from tests.support.subscribers import PATIENCE, listening
from tests.support.waiting import PutForward
from todo_gql.server.head_cache import MAX_CACHED_HEAD_BYTES, MAX_CACHED_HEADERS
from todo_gql.server.protocols import protocol_options
from todo_gql.settings import Settings

CHUNKED = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%b"
EXPECTING = b"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
# A chunk whose content is how a body of chunks ends.
ENDS_LIKE_A_BODY = CHUNKED % b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([post(b"a", b"one"), post(b"a", b"two")], [b"POST /a one", b"POST /a two"]),
        ([post(b"a", b""), b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"], [b"POST /a ", b"GET /a "]),
        ([post(b"a", b"one") * 3], [b"POST /a one"] * 3),
        ([post(b"a", b"one")[:-1], b"e"], [b"POST /a one"]),
        ([post(b"a", b"one")[:30], post(b"a", b"one")[30:]], [b"POST /a one"]),
        ([b"\r\n", post(b"a", b"two")], [b"POST /a two"]),
        ([post(b"a", b"one") + b"\r\n", post(b"a", b"two")], [b"POST /a one", b"POST /a two"]),
        ([post(b"a", b"\r\n\r\n"), post(b"a", b"GET ")], [b"POST /a \r\n\r\n", b"POST /a GET "]),
        ([ENDS_LIKE_A_BODY, CHUNKED % b"0\r\n\r\n"], [b"POST /c 0\r\n\r\n", b"POST /c "]),
        ([post(b"%d" % n, b"one") for n in range(12)], [b"POST /%d one" % n for n in range(12)]),
    ],
    ids=[
        "with other bodies",
        "without bodies",
        "all at once",
        "before the end of its body",
        "within its head",
        "after an empty line",
        "before an empty line",
        "with bodies like heads",
        "in chunks",
        "more than are kept of a connection",
    ],
)
async def test_each_request_is_read_as_it_was_sent(
    settings: Settings, written: list[bytes], expected: list[bytes]
) -> None:
    """The first time and each time after that, however it is cut, and after any other."""
    async with connected(echo, settings) as (reader, writer):
        for _ in range(3):
            writer.write(post(b"a", b"one"))
            assert await answer(reader) == b"POST /a one"
            for part in written:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.002)
            assert [await answer(reader) for _ in expected] == expected


async def test_who_expects_to_be_told_to_go_on_is_told_each_time(settings: Settings) -> None:
    """Each request with Expect gets its 100 Continue, and no other request does."""
    async with connected(echo, settings) as (reader, writer):
        for _ in range(3):
            writer.write(EXPECTING)
            told = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"go")
            assert await answer(reader) == b"POST /e go"
            writer.write(post(b"a", b"one"))
            assert await answer(reader) == b"POST /a one"


async def test_what_an_app_puts_into_a_scope_is_not_kept(settings: Settings) -> None:
    """Neither in its state nor in the place of what the connection says, which is its own."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        told = f"{scope['client'][1]} {'spoilt' in scope['state']}".encode()
        scope["state"]["spoilt"] = True
        scope["client"] = ("spoilt", 0)
        headers = [(b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})

    async with listening(app, settings) as address:
        host, _, port = address.partition(":")
        streams = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
        for reader, writer in streams * 2:
            writer.write(post(b"a", b"one"))
            own_port = writer.get_extra_info("sockname")[1]
            assert await answer(reader) == b"%d False" % own_port
        for _, writer in streams:
            writer.close()
            await writer.wait_closed()


async def test_a_connection_that_begins_with_a_known_head_may_stay(
    settings: Settings, put_forward: PutForward
) -> None:
    """A connection whose first head is cached stays open after its time limit for headers."""
    async with listening(echo, settings) as address:
        host, _, port = address.partition(":")
        for _ in range(2):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(post(b"a", b"one"))
            assert await answer(reader) == b"POST /a one"
            put_forward(settings.request_timeout + 1)
            writer.write(post(b"a", b"two"))
            assert await answer(reader) == b"POST /a two"
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("url", "header", "is_kept"),
    [
        (b"/a", b"", True),
        (b"/account/reset?token=secret", b"", False),
        (b"/calendars/secret.ics", b"", False),
        (b"/a", b"x:y\r\n" * MAX_CACHED_HEADERS, False),
        (b"/a", b"x: %b\r\n" % (b"y" * MAX_CACHED_HEAD_BYTES), False),
    ],
    ids=["ordinary", "with a query", "with a secret path", "of many headers", "long"],
)
async def test_what_may_be_secret_or_takes_much_memory_is_not_kept(
    settings: Settings, url: bytes, header: bytes, is_kept: bool
) -> None:
    """Heads that may be secret or long are answered and not cached."""
    options = protocol_options(settings)
    async with listening(echo, settings, **options) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (url, header))
        assert await answer(reader) == b"GET %b " % url.partition(b"?")[0]
        writer.close()
        await writer.wait_closed()
    assert bool(options["http"].head_cache) is is_kept


async def test_heads_that_differ_each_time_are_forgotten(settings: Settings) -> None:
    """Heads that differ each time are evicted, whoever sends them."""
    settings = settings.model_copy(update={"head_cache_size": 100})
    options = protocol_options(settings)
    async with listening(echo, settings, **options) as address:
        host, _, port = address.partition(":")
        for number in range(0, 200, 4):
            reader, writer = await asyncio.open_connection(host, int(port))
            for path in (b"%d" % each for each in range(number, number + 4)):
                writer.write(post(path, b"one"))
                assert await answer(reader) == b"POST /%b one" % path
            writer.close()
            await writer.wait_closed()
    assert len(options["http"].head_cache) == 100


async def test_no_head_stays_in_memory_where_the_cache_is_off(settings: Settings) -> None:
    """Equal requests are answered alike with HEAD_CACHE_SIZE=0, and no head is cached."""
    settings = settings.model_copy(update={"head_cache_size": 0})
    options = protocol_options(settings)
    async with listening(echo, settings, **options) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(3):
            writer.write(post(b"a", b"one"))
            assert await answer(reader) == b"POST /a one"
        writer.close()
        await writer.wait_closed()
    assert not options["http"].head_cache
