"""Random bytes on raw connections, whose answers are those to what a reference reader reads of them.

The reader is h11. A server may refuse what is odd, and then reads no more; what it answers has to be
the answer to the next request that the reader finds, and to nothing else.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import h11
import pytest
from starlette.types import Receive, Scope, Send

from tests.support.raw_connections import Answer, Connection, connect
from tests.support.subscribers import PATIENCE, listening
from todo_gql.settings import Settings

CONNECTIONS = int(os.environ.get("FUZZ_CONNECTIONS") or 300)
SEED = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
AT_ONCE = 20
REFUSALS = {400, 413, 426, 431, 501, 505}

ORDINARY = [
    b"User-Agent: fuzz\r\n",
    b"Accept: */*\r\n",
    b"X-Empty:\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: keep-alive\r\n",
    b"Proxy-Connection: keep-alive\r\n",
    b"TE: trailers\r\n",
    b"X-Long: %b\r\n" % (b"x" * 3000),
    b"Upgrade: h2c\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    b"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: foo/2, TLS/1.0 \r\n",
    b"Upgrade: websocket2\r\nConnection: upgrade\r\n",
]
ODD = [
    b"X: y\r\n z\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: +3\r\n",
    b"Content-Length: 3, 3\r\n",
    b"Content-Length:\r\n 3\r\n",
    b"Content-Length : 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n",
    b"Transfer-Encoding: \x0bchunked\r\n",
    b"X: y\nContent-Length: 3\r\n",
    b"X: y\rContent-Length: 3\r\n",
    b"X: \0\r\n",
    b": y\r\n",
    b"nonsense\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
]
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
BODIES = [
    b"",
    b"hello",
    SMUGGLED,
    b"\r\n\r\n",
    b"0\r\n\r\n" + SMUGGLED,
    b"0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"x" * 5000,
    b"x" * 100_000,
]
BEHAVIOURS = [*["echo"] * 6, "early", "late", "parts", "once"]


@dataclass
class Written:
    """What is written on one connection, and which of its requests nobody may refuse."""

    data: bytes = b""
    plain: set[bytes] = field(default_factory=set)


@dataclass
class Read:
    """What the reference reader makes of it."""

    requests: list[tuple[bytes, bytes]]
    is_whole: bool


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Send back the target and the body, if it is read at all, in one of several ways."""
    path = scope["raw_path"]
    behaviour = path.decode().split("/")[1]
    body = b""
    if behaviour == "late":
        await asyncio.sleep(0.002)
    more = behaviour != "early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"] and behaviour != "once"
    headers = [(b"x-target", path)]
    if behaviour != "parts":
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if behaviour == "parts":
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await asyncio.sleep(0)
        body = body[3:]
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
async def address(settings: Settings) -> AsyncIterator[str]:
    """Where the application listens."""
    async with listening(application, settings) as address:
        yield address


def written_by(chance: random.Random) -> Written:
    """A few requests, some of which are odd, and a last one."""
    written = Written()
    for number in range(chance.randint(1, 5)):
        _add_request(written, chance, number)
    if chance.random() < 0.1:
        written.data += chance.randbytes(chance.randint(1, 40))
    if chance.random() < 0.1:
        written.data = written.data[: chance.randint(1, len(written.data))]
        # What is cut off goes on with what follows, and that may be nothing for it.
        written.plain -= {max(written.plain, key=written.data.rfind, default=b"")}
    written.data += b"GET /echo/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    return written


def _add_request(written: Written, chance: random.Random, number: int) -> None:
    method = chance.choice([b"POST", b"POST", b"GET", b"PUT", b"DELETE"])
    target = b"/%b/%d" % (chance.choice(BEHAVIOURS).encode(), number)
    version = b"HTTP/1.0" if chance.random() < 0.03 else b"HTTP/1.1"
    headers = [b"Host: x\r\n", *chance.sample(ORDINARY, chance.choice([0, 0, 1, 2, 3]))]
    is_odd = chance.random() < 0.15
    if is_odd:
        headers.append(chance.choice(ODD))
    body = chance.choice(BODIES)
    match chance.choice(["sized", "sized", "chunked", "none"]):
        case "sized":
            headers.append(b"Content-Length: %d\r\n" % len(body))
        case "chunked":
            headers.append(b"Transfer-Encoding: chunked\r\n")
            body, is_good = _chunks(chance, body)
            is_odd = is_odd or not is_good
        case _:
            body = b""
    chance.shuffle(headers)
    if not is_odd:
        written.plain.add(target)
    written.data += b"%b %b %b\r\n%b\r\n%b" % (method, target, version, b"".join(headers), body)


def _chunks(chance: random.Random, body: bytes) -> tuple[bytes, bool]:
    """A body in chunks, and whether it is as it should be."""
    chunks, rest, is_good = b"", body, True
    while rest:
        size = chance.randint(1, max(len(rest), 1))
        number = b"%x" % size
        if chance.random() < 0.05:
            number, is_good = (
                chance.choice([b"0x%x", b"+%x", b"-%x", b" %x", b"%x\t"]) % size,
                False,
            )
        extension = chance.choice([b"", b"", b"", b";a", b';a="b"', b";a=b;c"])
        line_end = b"\r\n"
        if chance.random() < 0.02:
            line_end, is_good = chance.choice([b"\n", b"\r", b"", b"x\r\n"]), False
        chunks += number + extension + b"\r\n" + rest[:size] + line_end
        rest = rest[size:]
    after = chance.choice([b"", b"", b"", b"X-After: 1\r\n", b"Upgrade: h2c\r\n"])
    if chance.random() < 0.05:
        after, is_good = chance.choice([b"Connection: close\r\n", b"Content-Length: 3\r\n"]), False
    return chunks + b"0\r\n" + after + b"\r\n", is_good


def read_by_h11(data: bytes) -> Read:
    """The requests that h11 finds, with targets and bodies; the rest is odd or not whole."""
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(data)
    requests: list[tuple[bytes, bytes]] = []
    target, body = b"", b""
    try:
        while True:
            match reader.next_event():
                case h11.Request(target=found):
                    target, body = found, b""
                case h11.Data(data=part):
                    body += part
                case h11.EndOfMessage():
                    requests.append((target, body))
                    reader.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                    reader.send(h11.EndOfMessage())
                    if reader.our_state is not h11.DONE:
                        return Read(requests, is_whole=True)
                    reader.start_next_cycle()
                case _:
                    return Read(requests, is_whole=False)
    except h11.RemoteProtocolError:
        return Read(requests, is_whole=False)


def segments_of(data: bytes, chance: random.Random) -> list[bytes]:
    """The data in segments, mostly few."""
    cuts = sorted(chance.randrange(len(data)) for _ in range(chance.choice([0, 0, 1, 2, 5])))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]


def out_of_step(written: Written, read: Read, answered: list[Answer]) -> str:
    """What is wrong about the answers; nothing if nothing is."""
    if any(answer.is_last for answer in answered[:-1]):
        return "an answer after the last one"
    is_sure = True
    requests = [*read.requests, *[None] * len(answered)]
    for answer, request in zip(answered, requests, strict=False):
        # Behind what is odd, others may begin elsewhere than the reader has it.
        is_sure = is_sure and request is not None and request[0] in written.plain
        if b"x-target" not in answer.headers:
            if is_sure or answer.status not in REFUSALS or not answer.is_last:
                return f"{answer} to {request}"
        elif request is None:
            if not (answer.is_last and _is_without_its_body(answer.headers[b"x-target"])):
                return f"{answer} to nothing"
        elif not _is_answer_to(answer, *request):
            return f"{answer} to {request}"
    ended = bool(answered) and answered[-1].is_last
    return "" if ended or len(answered) >= len(read.requests) else f"only {answered}"


def _is_answer_to(answer: Answer, target: bytes, body: bytes) -> bool:
    is_the_body = answer.body == body or _is_without_its_body(target)
    return answer.headers[b"x-target"] == target and is_the_body


def _is_without_its_body(target: bytes) -> bool:
    """Whether a request is answered though its body hasn't come, or never does."""
    return target.startswith((b"/early", b"/once"))


async def tried(address: str, seed: str) -> str:
    """What is wrong about one connection."""
    chance = random.Random(seed)
    written = written_by(chance)
    read = read_by_h11(written.data)
    connection = await connect(address)
    try:
        await connection.send(segments_of(written.data, chance))
        answered = await _answers(connection, read)
    except TimeoutError:
        return f"{seed}: no end, after {connection.received[-200:]!r}"
    except h11.RemoteProtocolError as error:
        return f"{seed}: no HTTP, {error}"
    finally:
        connection.transport.abort()
    wrong = out_of_step(written, read, answered)
    return f"{seed}: {wrong}" if wrong else ""


async def _answers(connection: Connection, read: Read) -> list[Answer]:
    """All answers; who hasn't sent all of a request goes once the others are answered."""
    if not read.is_whole:
        await connection.answers(len(read.requests))
        await connection.end()
    return await connection.answers()


async def test_connections_stay_in_step(address: str) -> None:
    """FUZZ_CONNECTIONS of them, of which FUZZ_SEED decides what is written on each."""
    seeds = iter([f"{SEED}-{number}" for number in range(CONNECTIONS)])
    wrong: list[str] = []

    async def try_them() -> None:
        for seed in seeds:
            wrong.append(await tried(address, seed))  # noqa: PERF401 - each as it comes

    async with asyncio.timeout(PATIENCE + CONNECTIONS):
        await asyncio.gather(*(try_them() for _ in range(AT_ONCE)))
    assert [each[:500] for each in wrong if each] == []
