"""Where requests begin and end: no byte of a body is a request, and answers come in their order."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from tests.support.http_connections import END, SMUGGLED, echo, post, told
from tests.support.raw_connections import Answer, answers, connect
from tests.support.subscribers import listening
from tests.support.waiting import until
from todo_gql.settings import Settings

PLAIN = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /b HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1024 * 1024
# What says how long a body is, and in more ways than one.
UNSAFE = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 0\r\n",
    "one length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "a list of lengths": b"Content-Length: 5, 5\r\n",
    "a sign": b"Content-Length: +5\r\n",
    "less than nothing": b"Content-Length: -5\r\n",
    "hexadecimal": b"Content-Length: 0x5\r\n",
    "an underscore": b"Content-Length: 1_0\r\n",
    "two numbers": b"Content-Length: 1 0\r\n",
    "no number": b"Content-Length:\r\n",
    "more than numbers hold": b"Content-Length: 18446744073709551621\r\n",
    "a space before the colon": b"Content-Length : 5\r\n",
    "a folded length": b"Content-Length:\r\n 5\r\n",
    "a length folded after its first digit": b"Content-Length: 1\r\n 0\r\n",
    "a folded header": b"X: y\r\n Content-Length: 5\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunks twice": b"Transfer-Encoding: chunked, chunked\r\n",
    "chunks in two headers": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunks that aren't last": b"Transfer-Encoding: chunked, gzip\r\n",
    "chunks of gzip": b"Transfer-Encoding: gzip, chunked\r\n",
    "chunks of nothing else": b"Transfer-Encoding: identity, chunked\r\n",
    "no chunks": b"Transfer-Encoding: identity\r\n",
    "almost chunks": b"Transfer-Encoding: xchunked\r\n",
    "quoted chunks": b'Transfer-Encoding: "chunked"\r\n',
    "chunks with a sign": b"Transfer-Encoding: \x0bchunked\r\n",
    "chunks with a parameter": b"Transfer-Encoding: chunked;a=b\r\n",
    "chunks after nothing": b"Transfer-Encoding: ,chunked\r\n",
    "folded chunks": b"Transfer-Encoding:\r\n chunked\r\n",
    "a line feed": b"X: y\nContent-Length: 5\r\n",
    "a carriage return": b"X: y\rContent-Length: 5\r\n",
    "NUL": b"X: \0\r\nContent-Length: 5\r\n",
    "two hosts": b"Host: y\r\nContent-Length: 5\r\n",
    "no name": b": 5\r\n",
    "no colon": b"Content-Length\r\n",
}
UNSAFE_CHUNKS = {
    "a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "less than nothing": b"-5\r\nhello\r\n0\r\n\r\n",
    "a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a space": b"5 \r\nhello\r\n0\r\n\r\n",
    "a line feed": b"5\nhello\r\n0\r\n\r\n",
    "a line feed after it": b"5\r\nhello\n0\r\n\r\n",
    "a line feed in its extension": b"5;a\nhello\r\n0\r\n\r\n",
    "a carriage return in its extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a line in a quoted extension": b'5;a="\r\n"\r\nhello\r\n0\r\n\r\n',
    "more than it says": b"4\r\nhello\r\n0\r\n\r\n",
    "less than it says": b"6\r\nhello\r\n0\r\n\r\n",
    "more than numbers hold": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "no number": b"\r\nhello\r\n0\r\n\r\n",
    "a length after it": b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "chunks after it": b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an end to the connection after it": b"5\r\nhello\r\n0\r\nConnection: close\r\n\r\n",
    "an upgrade after it": b"5\r\nhello\r\n0\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
    "a host after it": b"5\r\nhello\r\n0\r\nHost: y\r\n\r\n",
    "a folded header after it": b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
}
HEADS = {
    "HTTP/0.9": b"GET /b\r\n\r\n",
    "HTTP/0.9 that stays": b"GET /b\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/0.9 by name": b"GET /b HTTP/0.9\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.2": b"GET /b HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2": b"GET /b HTTP/2.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "bare line feeds": b"GET /b HTTP/1.1\nHost: x\n\n",
    "a bare line feed at the end": b"GET /b HTTP/1.1\r\nHost: x\r\n\n",
    "a space after the version": b"GET /b HTTP/1.1 \r\nHost: x\r\n\r\n",
    "an unknown method": b"NONSENSE /b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a body of TLS": b"\x16\x03\x01\x02\0\x01\0\r\n\r\n",
    "a path of other letters": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
}


class Application:
    """Sends back what came, but in ways that differ by path; and knows who asked and who went."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gone = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.asked.append(path := scope["path"])
        match path:
            case "/refuse":
                await self.say(send, 413, b"")
            case "/begin":
                head = {"type": "http.response.start", "status": 200, "headers": []}
                await send(head)
                await send({"type": "http.response.body", "body": b"be", "more_body": True})
                await self.may_answer.wait()
                await send({"type": "http.response.body", "body": b"gun"})
            case "/stream":
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.gone += 1
            case "/wait":
                await self.may_answer.wait()
                await echo(scope, receive, send)
            case _:
                if (message := await receive())["type"] == "http.disconnect":
                    self.gone += 1
                    return
                while message.get("more_body"):
                    message = await receive()
                if path == "/b":
                    self.headers = list(scope["headers"])
                await self.say(send, 200, path.encode())

    async def say(self, send: Send, status: int, body: bytes) -> None:
        """Send an answer that is whole."""
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def application() -> Application:
    """What answers in a test."""
    return Application()


@pytest.fixture
async def address(application: Application, settings: Settings) -> AsyncIterator[str]:
    """Where it listens, with little time for what isn't whole."""
    hasty = settings.model_copy(update={"request_timeout": 0.5})
    async with listening(application, hasty) as address:
        yield address


@pytest.fixture(scope="module")
async def echoing(settings: Settings) -> AsyncIterator[str]:
    """Where a server listens that sends back all that comes."""
    async with listening(echo, settings) as address:
        yield address


def statuses(answered: list[Answer]) -> list[int]:
    """The statuses of answers, of which only the last says that the connection ends."""
    assert [answer.is_last for answer in answered] == [False] * (len(answered) - 1) + [True]
    return [answer.status for answer in answered]


@pytest.mark.parametrize("name", UNSAFE)
async def test_a_body_of_no_one_length_is_refused(echoing: str, name: str) -> None:
    """A body of ambiguous length is refused in its turn, and all that follows stays unread."""
    head = HEAD + UNSAFE[name] + b"\r\n"
    for after in ([b"hello" + SMUGGLED], [b"0\r\n\r\n" + SMUGGLED], [], [SMUGGLED, SMUGGLED]):
        answered = await answers(echoing, [PLAIN + head + b"".join(after)])
        assert statuses(answered)[0] == 200
        assert statuses(answered)[1:] in ([400], [501])
        answered = await answers(echoing, [head, *after])
        assert statuses(answered) in ([400], [501])


@pytest.mark.parametrize("name", UNSAFE_CHUNKS)
async def test_chunks_that_are_none_are_refused(echoing: str, name: str) -> None:
    """Malformed chunks are refused wherever they are cut."""
    chunks = UNSAFE_CHUNKS[name]
    for written in ([PLAIN + CHUNKED + chunks + SMUGGLED], [PLAIN, CHUNKED, chunks, SMUGGLED]):
        assert statuses(await answers(echoing, written)) == [200, 400]
    assert statuses(await answers(echoing, [CHUNKED, chunks[:3], chunks[3:] + END])) == [400]


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_of_another_protocol_is_refused(echoing: str, name: str) -> None:
    """A head of another protocol is refused in its turn, and what follows stays unread."""
    for after in (b"", SMUGGLED):
        answered = await answers(echoing, [PLAIN + HEADS[name] + after])
        assert statuses(answered)[0] == 200
        assert statuses(answered)[1:] in ([400], [505])


@pytest.mark.parametrize(
    "written",
    [
        HEAD + b"Content-Length: 5 \t\r\n\r\nhello",
        HEAD + b"content-length:\t05\r\n\r\nhello",
        HEAD + b'TRANSFER-ENCODING: Chunked \r\n\r\n005;a=b;c="d"\r\nhello\r\n000\r\n\r\n',
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-After: 1\r\n\r\n",
        b"\r\n\r\n" + post(b"b", b"hello"),
        post(b"b", b"hello").replace(b"/b", b"http://x/b"),
        HEAD + b"X: \xff\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=["spaces", "a zero", "chunks", "a trailer", "empty lines", "a whole URL", "other letters"],
)
async def test_unusual_requests_are_read_to_their_end(echoing: str, written: bytes) -> None:
    """Whole or cut, and again, when their heads are known."""
    for cut in (len(written), len(written) - 3, 9):
        segments = [written[:cut], written[cut:]] * 3
        answered = told(await answers(echoing, [*segments, END]))
        assert answered == [b"POST /b hello"] * 3 + [b"GET /end "]


@pytest.mark.parametrize("written", [PLAIN + b"nonsense\r\n\r\n", PLAIN + b"\0", PLAIN + b"GET /"])
async def test_a_refusal_waits_for_the_answers_before_it(
    address: str, application: Application, written: bytes
) -> None:
    """A refusal waits for the answers before it, also one of a request that takes too long."""
    connection = await connect(address)
    await connection.send([PLAIN.replace(b"/a", b"/wait") + written, SMUGGLED])
    # Its time is over later than that of what is awaited on the other connection.
    late = await connect(address)
    await late.send([b"GET /"])
    assert statuses(await late.answers()) == [408]
    assert connection.received == b""
    application.may_answer.set()
    answered = await connection.answers()
    assert [answer.status for answer in answered[:2]] == [200, 200]
    assert statuses(answered)[2:] in ([400], [408])
    assert application.asked == ["/wait", "/a"]


async def test_what_is_refused_while_it_is_awaited_is_not_answered_twice(
    address: str, application: Application
) -> None:
    """The application hears that nobody is there any more."""
    for written in (
        [CHUNKED, b"x\r\n"],
        [CHUNKED, b"1\r\n"],
        [PLAIN + CHUNKED, b"5\r\nhello0\r\n"],
    ):
        answered = await answers(address, written)
        assert answered[-1].status in {400, 408}
        assert len(answered) == (2 if written[0] == PLAIN + CHUNKED else 1)
    await until(lambda: application.gone == 3)


@pytest.mark.parametrize("rest", [b"x" * 5, b"x" * 200_000, b"x" * 12 * MEGABYTE, SMUGGLED * 9])
@pytest.mark.parametrize("before", [b"", PLAIN])
async def test_an_answer_before_the_body_ends_the_connection(
    address: str, application: Application, before: bytes, rest: bytes
) -> None:
    """It says so, arrives though the body still comes, and nothing of the body is a request."""
    head = b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(rest)
    connection = await connect(address)
    await connection.send([before + head])
    await connection.send([rest[at : at + MEGABYTE] for at in range(0, len(rest), MEGABYTE)])
    await connection.send([SMUGGLED])
    answered = await connection.answers()
    assert statuses(answered) == ([200] if before else []) + [413]
    assert "/smuggled" not in application.asked


async def test_an_answer_after_the_body_leaves_the_connection_open(
    address: str, application: Application
) -> None:
    """An answer sent after the body arrived leaves the connection open, though nobody read it."""
    refused = post(b"refuse", b"x" * 1000)
    answered = await answers(address, [refused + refused + END])
    assert statuses(answered) == [413, 413, 200]


async def test_who_waits_to_be_told_to_go_on_is_refused_instead(address: str) -> None:
    """A refused request with Expect gets no 100 Continue, and its connection ends."""
    head = b"POST /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    assert statuses(await answers(address, [head])) == [413]
    assert statuses(await answers(address, [head, SMUGGLED])) == [413]


async def test_a_bad_body_does_not_break_into_an_answer(
    address: str, application: Application
) -> None:
    """That has begun: it comes to its end, and then the connection does."""
    begun = CHUNKED.replace(b"/b", b"/begin")
    connection = await connect(address)
    await connection.send([begun, b"nonsense\r\n", SMUGGLED])
    application.may_answer.set()
    answered = await connection.answers()
    assert [(answer.status, answer.body) for answer in answered] == [(200, b"begun")]
    assert answered[0].is_last


@pytest.mark.parametrize(
    "last",
    [
        b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Close\r\n\r\n",
        b"GET /last HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    ],
)
async def test_nothing_is_done_that_comes_after_the_last_request(
    address: str, application: Application, last: bytes
) -> None:
    """Nothing behind the last request is executed, and its answer arrives."""
    for after in (SMUGGLED, SMUGGLED * 5000, b"nonsense" * 50_000):
        answered = await answers(address, [PLAIN + last + after, after])
        assert statuses(answered) == [200, 200]
    assert set(application.asked) == {"/a", "/last"}


async def test_what_follows_chunks_is_no_header(address: str, application: Application) -> None:
    """Trailers behind chunks are no headers, so that nobody can pose as somebody else."""
    sent = b"0\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"
    for written in ([CHUNKED + sent + END], [CHUNKED, sent[:9], sent[9:], END]):
        assert statuses(await answers(address, written)) == [200, 200]
        assert dict(application.headers).keys() == {b"host", b"transfer-encoding"}


async def test_chunks_of_nothing_but_extensions_have_an_end(
    echoing: str, settings: Settings
) -> None:
    """Chunk extensions, trailers, and empty lines before a request have a limit."""
    for written in (
        [CHUNKED, *[b"1;" + b"a" * MEGABYTE] * 4],
        [CHUNKED, b"0\r\n", *[b"X: " + b"a" * MEGABYTE] * 4],
    ):
        assert statuses(await answers(echoing, written)) == [413]
    assert statuses(await answers(echoing, [b"\r\n" * 30_000, b"\r\n" * 10_000])) == [431]


async def test_a_body_before_a_head_does_not_count_for_it(echoing: str) -> None:
    """A connection may have much to say, as long as each request has little."""
    body = b"x" * 60_000
    one = post(b"a", body)
    both = one + one + END
    segments = [both[: len(one) + 20], both[len(one) + 20 : -10], both[-10:]]
    answered = told(await answers(echoing, segments))
    assert answered == [b"POST /a " + body] * 2 + [b"GET /end "]


async def test_who_vanishes_is_gone_though_they_asked_again(
    address: str, application: Application
) -> None:
    """The one that is answered hears of it, not only the last one."""
    connection = await connect(address)
    await connection.send([PLAIN.replace(b"/a", b"/stream") + PLAIN])
    await until(lambda: application.asked == ["/stream"])
    connection.transport.abort()
    await until(lambda: application.gone == 1)
    assert application.asked == ["/stream"]
