"""How answers are written to a connection: whole where that is possible, and always as HTTP has it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Receive, Scope, Send

from tests.support.http_connections import answer, connected
from tests.support.subscribers import PATIENCE
from tests.support.waiting import PutForward
from todo_gql.settings import Settings

Headers = list[tuple[bytes, bytes]]


def answering(
    status: int, headers: Headers, *parts: bytes
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """An app that sends the same to everyone."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        named = [*headers, (b"x-path", scope["raw_path"])]
        await send({"type": "http.response.start", "status": status, "headers": named})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


async def whole(scope: Scope, receive: Receive, send: Send) -> None:
    """Send back the path, as most answers are sent."""
    await receive()
    path = scope["raw_path"]
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(path))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": path})


async def test_requests_sent_at_once_are_answered_in_order(settings: Settings) -> None:
    """Pipelined requests are answered in order."""
    paths = [b"/%d" % number for number in range(20)]
    async with connected(whole, settings) as (reader, writer):
        writer.write(b"".join(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths))
        assert [await answer(reader) for _ in paths] == paths


async def test_a_request_may_begin_before_the_last_is_answered(settings: Settings) -> None:
    """A request may begin before the last is answered, and its body may come after that."""

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n"
    async with connected(echo, settings) as (reader, writer):
        writer.write(request + b"answer" + request + b"late")
        assert await answer(reader) == b"answer"
        writer.write(b"ly")
        assert await answer(reader) == b"lately"


@pytest.mark.parametrize(
    ("method", "status", "headers", "parts", "expected"),
    [
        (b"GET", 200, [(b"content-length", b"4")], [b"body"], b"\r\n\r\nbody"),
        (b"GET", 200, [(b"content-length", b"4")], [b"bo", b"dy"], b"\r\n\r\nbody"),
        (b"GET", 200, [], [b"bo", b"dy"], b"\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"),
        (b"HEAD", 200, [(b"content-length", b"4")], [b"body"], b"\r\n\r\n"),
        (b"GET", 204, [], [], b"\r\n\r\n"),
    ],
    ids=["whole", "in parts", "of unknown length", "to HEAD", "without a body"],
)
async def test_an_answer_is_framed_as_http_has_it(
    settings: Settings,
    method: bytes,
    status: int,
    headers: Headers,
    parts: list[bytes],
    expected: bytes,
) -> None:
    """An answer is framed by HTTP's rules however the app sends it, on every request."""
    async with connected(answering(status, headers, *parts), settings) as (reader, writer):
        request = method + b" /a HTTP/1.1\r\nHost: x\r\n\r\n"
        last = method + b" /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        writer.write(request + request + last)
        said = await asyncio.wait_for(reader.read(), PATIENCE)
    answers = said.split(b"HTTP/1.1 %d" % status)[1:]
    assert [each[each.index(b"\r\n\r\n") :] for each in answers] == [expected] * 3
    assert [b"connection: close" in each for each in answers] == [False, False, True]


async def test_who_asks_nothing_more_is_let_go(settings: Settings, put_forward: PutForward) -> None:
    """Some time after the last answer, and not sooner for what was asked before."""
    async with connected(whole, settings, timeout_keep_alive=100) as (reader, writer):
        for _ in range(4):
            writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await answer(reader) == b"/a"
            put_forward(60)
        put_forward(41)
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""


async def test_a_header_never_becomes_two(settings: Settings) -> None:
    """A header value never becomes two headers, and an illegal one gets an internal error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        split = b"a\r\nset-cookie: b" if scope["path"] == "/split" else b"a"
        headers = [(b"x-said", split), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async with connected(app, settings) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /split HTTP/1.1\r\nHost: x\r\n\r\n")
        said = await asyncio.wait_for(reader.read(), PATIENCE)
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"set-cookie" not in said


async def test_what_fails_before_its_body_is_told(settings: Settings) -> None:
    """An app that fails before its body gets status 500, since nothing was sent yet."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    async with connected(app, settings) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = await asyncio.wait_for(reader.read(), PATIENCE)
    assert said.startswith(b"HTTP/1.1 500 ")
