"""What one caller may try in order to stop, fill or slow the server for others.

Each is a function that is registered by `@attack`, and runs in a process of its own until it is
over or ended. It is to cost its own process little: requests are bytes that are made before, sent
over plain sockets, and answers are thrown away.
"""

import asyncio
import os
import time
from base64 import urlsafe_b64decode as b64decode
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, cycle
from typing import TypeAlias
from uuid import UUID

import orjson

from bench.subscribers import Writer, subscribed
from todo_gql.changelog.cursors import cursor_of

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length: "
ANSWER_SECONDS = 15.0
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)
# What stands in the place of a frame's length where that has two bytes of its own.
LONGER = 126
LETTERS = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens, the token of somebody with 100,000 todos, and until when to attack."""

    port: int
    token: str
    seconds: float


Attack: TypeAlias = Callable[[Target], Awaitable[None]]

ATTACKS: dict[str, Attack] = {}
"""The attacks by what they do, in the order in which they are tried."""

VARIANTS: dict[str, str] = {}
"""For each attack another one of its kind."""


def attack(title: str, *, variant_of: str | None = None) -> Callable[[Attack], Attack]:
    """Register an attack by what it does; or a variant of one, by that one's title."""

    def register(run: Attack) -> Attack:
        ATTACKS[title] = run
        if variant_of:
            VARIANTS[variant_of] = title
        return run

    return register


def request(query: str, token: str | None = None, variables: object = None) -> bytes:
    """The bytes of a request for an operation."""
    body = orjson.dumps({"query": query, "variables": variables})
    signed = f"authorization: Bearer {token}\r\n".encode() if token else b""
    return (
        b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"accept: application/json\r\n%bcontent-length: %d\r\n\r\n%b" % (signed, len(body), body)
    )


async def sending(target: Target, requests: Iterable[bytes], pause: float = 0.0) -> None:
    """Send requests over one connection, one after the other, and throw the answers away."""
    remaining, until = iter(requests), time.monotonic() + target.seconds
    while time.monotonic() < until:
        with suppress(OSError, EOFError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
            try:
                for sent in remaining:
                    writer.write(sent)
                    await asyncio.wait_for(_answered(reader), ANSWER_SECONDS)
                    await asyncio.sleep(pause)
                return
            finally:
                writer.close()
        await asyncio.sleep(0.05)


async def _answered(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(END_OF_HEAD)).lower()
    start = head.index(LENGTH) + len(LENGTH)
    await reader.readexactly(int(head[start : head.index(b"\r", start)]))


async def flood(
    target: Target, requests: Callable[[int], Iterable[bytes]], connections: int, pause: float = 0.0
) -> None:
    """Send requests over many connections at once; each has its own, by its number."""
    await asyncio.gather(*(sending(target, requests(n), pause) for n in range(connections)))


def words() -> Iterator[str]:
    """Words of two letters, which no index of three knows, and which no todo has."""
    return cycle(f"{one}{other}" for one in "qxz" for other in LETTERS)


def searches(fields: int, selected: str, parts: int = 1) -> str:
    """A query of several fields that search for what nobody has written."""
    word = words()

    def wanted() -> str:
        return ", ".join(f'{{ search: "{next(word)}" }}' for _ in range(parts))

    asked = (
        f"f{n}: todos(first: 1, filter: {{ or: [{wanted()}] }}) {{ {selected} }}"
        for n in range(fields)
    )
    return f"{{ {' '.join(asked)} }}"


@attack("one request of 20 searches after the other")
async def searching(target: Target) -> None:
    """As dear as may be at once."""
    await sending(target, cycle([request(searches(20, "nodes { id }"), target.token)]), 0.01)


@attack("a hundred requests of 20 searches at once")
async def searching_at_once(target: Target) -> None:
    """The same, side by side."""
    sent = request(searches(20, "nodes { id }"), target.token)
    await flood(target, lambda _: cycle([sent]), 100, 0.05)


@attack("filters of 45 searches")
async def searching_for_much(target: Target) -> None:
    """What a filter may hold at most, with none of which anything is found."""
    sent = request(searches(1, "nodes { id }", parts=45), target.token)
    await flood(target, lambda _: cycle([sent]), 20, 0.05)


@attack("counts of what is rare")
async def counting(target: Target) -> None:
    """Each looks at all todos."""
    sent = request(searches(10, "totalCount"), target.token)
    await flood(target, lambda _: cycle([sent]), 30, 0.05)


@attack("counts of tags in variables")
async def counting_tags(target: Target) -> None:
    """A filter that the document doesn't show."""
    query = "query ($f: TodoFilter) { todos(first: 1, filter: $f) { totalCount } stats(filter: $f) { total } }"
    wanted = {"not": {"tags": {"every": [f"tag {n}" for n in range(1, 9)]}}}
    sent = request(query, target.token, {"f": wanted})
    await flood(target, lambda _: cycle([sent]), 30, 0.05)


@attack("writes to one account at once")
async def writing(target: Target) -> None:
    """Each waits for the lock of the account that they all belong to."""
    tags = ", ".join(f'"made {n}"' for n in range(10))
    query = f'mutation {{ todoCreate(input: {{ title: "Flood", tags: [{tags}] }}) {{ todo {{ id }} }} }}'
    sent = request(query, target.token)
    await flood(target, lambda _: cycle([sent]), 100, 0.05)


@attack("bulk writes to one account at once")
async def writing_much(target: Target) -> None:
    """A hundred todos each."""
    query = "mutation ($i: [TodoCreateInput!]!) { todoBulkCreate(inputs: $i) { errors { code } } }"
    todos = [{"title": f"Flood {n}", "tags": ["a", "b", "c"]} for n in range(100)]
    sent = request(query, target.token, {"i": todos})
    await flood(target, lambda _: cycle([sent]), 20, 0.2)


FOLLOWED = """subscription ($after: String, $filter: TodoFilter) {
  changes(after: $after, filter: $filter) { ... on Change {
    cursor action at fields { name before after } actor { username stats { total } }
    todo { id %stitle description status metadata tags { name }
      history(first: 20) { nodes { id at fields { name before after } } } } } } }"""
CHANGED = """mutation ($ids: [ID!]!, $p: TodoPriority!) {
  todoBulkUpdate(ids: $ids, action: { setPriority: $p }) { updated } }"""


async def following(
    target: Target, connections: int, subscriptions: Callable[[int], list[tuple[str, object]]]
) -> None:
    """Hold connections with these subscriptions, each a document and its variables."""

    async def one(number: int) -> None:
        host = f"127.0.0.1:{target.port}"
        socket = await subscribed(host, target.token, "{ __typename }", lambda *_: None)
        for id, (query, variables) in enumerate(subscriptions(number)):
            socket.send(
                id=f"s{id}", type="subscribe", payload={"query": query, "variables": variables}
            )
        await socket.lost

    await asyncio.gather(*(one(number) for number in range(connections)))


async def changing(target: Target) -> None:
    """Change forty todos, over and over."""
    connection = Writer(f"127.0.0.1:{target.port}", target.token)
    asked = "{ todos(first: 40) { nodes { id } } }"
    ids: list[str] = []
    for priority in cycle(("LOW", "HIGH")):
        if not ids:
            # Another attack of the same account may have used up what it is allowed.
            data = (await connection.execute(asked, {})).get("data")
            ids = [node["id"] for node in data["todos"]["nodes"]] if data else []
        await connection.execute(CHANGED, {"ids": ids, "p": priority})
        await asyncio.sleep(2)


@attack("a hundred subscriptions that differ by an alias")
async def following_by_aliases(target: Target) -> None:
    """Forty changes at once are four thousand events, none of which is like another."""

    def subscriptions(number: int) -> list[tuple[str, object]]:
        return [(FOLLOWED % f"a{number}x{n}: ", {}) for n in range(20)]

    await asyncio.gather(following(target, 5, subscriptions), changing(target))


@attack("a hundred subscriptions that differ by a filter")
async def following_by_filters(target: Target) -> None:
    """Each filter is asked about each change."""

    def subscriptions(number: int) -> list[tuple[str, object]]:
        words = [f"word{number}x{n}" for n in range(20)]
        return [(FOLLOWED % "", {"filter": {"search": word}}) for word in words]

    await asyncio.gather(following(target, 5, subscriptions), changing(target))


@attack("twenty followers who are 50,000 changes behind")
async def following_from_far(target: Target) -> None:
    """Each from another place, so that nothing is shared."""
    owner = UUID(orjson.loads(b64decode(target.token.split(".")[1] + "=="))["sub"])

    def subscriptions(_: int) -> list[tuple[str, object]]:
        places = (cursor_of(owner, 50_000 + 500 * n) for n in range(20))
        return [(FOLLOWED % "", {"after": place}) for place in places]

    await following(target, 1, subscriptions)


@attack("cheap requests without an account")
async def asking_signed_out(target: Target) -> None:
    """As many as one address has, and what it is refused."""
    sent = request("{ viewer { id } }")
    await flood(target, lambda _: cycle([sent]), 20, 0.02)


@attack("registrations and logins without an account")
async def signing_in(target: Target) -> None:
    """Each would hash a password and read or write an account."""
    number = count()

    def requests(_: int) -> Iterator[bytes]:
        while True:
            name = f"flood-{os.getpid()}-{next(number)}"
            given = f'username: "{name}", email: "{name}@example.com", password: "Correct1horse"'
            yield request(f"mutation {{ register(input: {{ {given} }}) {{ errors {{ code }} }} }}")
            given = f'usernameOrEmail: "{name}", password: "Correct2horse"'
            yield request(f"mutation {{ login(input: {{ {given} }}) {{ errors {{ code }} }} }}")

    await flood(target, requests, 20, 0.05)


@attack("the worst texts in every place")
async def writing_badly(target: Target) -> None:
    """Names that grow when they are folded, and texts of marks, shared by a hundred todos."""
    todos = " ".join("{ title: $t, description: $d, tags: $n }" for _ in range(80))
    query = (
        "mutation ($t: String!, $d: String, $n: [String!]) {"
        f" todoBulkCreate(inputs: [{todos}], dryRun: true) {{ errors {{ code }} }} }}"
    )
    marks, grows = "a" + "\u0315\u0300\u0334" * 9, "\ufdfa"
    sent = [
        request(query, target.token, {"t": marks * 7, "d": marks * 178, "n": [grows * 200] * 100}),
        request(query, target.token, {"t": "\u3000" * 60_000, "d": "\u0315" * 40_000, "n": []}),
        request(
            "query ($f: TodoFilter) { todos(first: 1, filter: $f) { nodes { id } } }",
            target.token,
            {"f": {"or": [{"tags": {"some": [f"{n}" + grows * 190] * 20}} for n in range(40)]}},
        ),
        request(
            "mutation ($n: String!) { login(input: { usernameOrEmail: $n, password: $n }) { errors { code } } }",
            None,
            {"n": grows * 60_000},
        ),
    ]
    await flood(target, lambda _: cycle(sent), 20, 0.05)


@attack("the worst documents without an account")
async def validating(target: Target) -> None:
    """Each is another one, so that nothing of it is remembered."""
    number = count()

    def requests(_: int) -> Iterator[bytes]:
        objects, lines = "viewer { id } " * 220, "\n" * 20_000
        while True:
            one = next(number)
            for inside in (objects, "... on User { id } " * 150, f"{lines} x0 x1 x2 x3 x4 x5 x6"):
                yield request(f"{{ viewer {{ id }} }} fragment F{one} on Query {{ {inside} }}")
            yield request(f"{{ a{one} {' '.join(f'viewe{n}' for n in range(900))} }}")

    await flood(target, requests, 20, 0.02)


@attack("aliases of metadata under history")
async def asking_for_much(target: Target) -> None:
    """More bytes than an answer may have, from a short document."""
    names = " ".join(f"m{n}: metadata d{n}: description" for n in range(15))
    query = f"{{ todos(first: 4) {{ nodes {{ history(first: 10) {{ nodes {{ todo {{ {names} }} }} }} }} }} }}"
    await flood(target, lambda _: cycle([request(query, target.token)]), 10, 0.05)


@attack("long answers that nobody reads")
async def leaving_unread(target: Target) -> None:
    """Two hundred connections with as much on each as may be asked for."""
    query = "{ todos(first: 100) { nodes { title description metadata tags { name } } } }"
    sent = request(query, target.token) * 10

    async def leave() -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=1024)
                writer.write(sent)
                await asyncio.sleep(ANSWER_SECONDS)
                writer.close()

    await asyncio.gather(*(leave() for _ in range(200)))


@attack("pings on sockets without an account")
async def pinging(target: Target) -> None:
    """Messages of the protocol."""
    await flooding_sockets(target, text_frame(b'{"type":"ping"}') * 1000)


@attack("pings of WebSockets themselves")
async def pinging_below(target: Target) -> None:
    """Frames of six bytes, which each have an answer."""
    await flooding_sockets(target, b"\x89\x80\0\0\0\0" * 10_000)


@attack("completes of what never began")
async def completing(target: Target) -> None:
    """Messages that mean nothing."""
    await flooding_sockets(target, text_frame(b'{"type":"complete","id":"x"}') * 1000)


@attack("requests in one piece on a connection")
async def pipelining(target: Target) -> None:
    """As many as fit into a segment, and more behind them."""
    sent = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n" * 5000
    await asyncio.gather(*(pouring(target, b"", sent) for _ in range(4)))


def text_frame(text: bytes) -> bytes:
    """A frame of a client, of less than 64 KiB."""
    is_short = len(text) < LONGER
    size = bytes([len(text)]) if is_short else bytes([LONGER]) + len(text).to_bytes(2)
    return bytes([0x81, 0x80 | size[0]]) + size[1:] + b"\0\0\0\0" + text


async def flooding_sockets(target: Target, frames: bytes) -> None:
    """Open WebSockets again and again, and send these frames on each until it is closed."""
    begin = HANDSHAKE + text_frame(b'{"type":"connection_init"}')
    await asyncio.gather(*(pouring(target, begin, frames) for _ in range(4)))


async def pouring(target: Target, begin: bytes, sent: bytes) -> None:
    """Send as fast as the server reads, over a connection that is opened anew once it is lost."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
            reading = asyncio.create_task(discard(reader))
            writer.write(begin)
            while not reading.done():
                writer.write(sent)
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.close()
        await asyncio.sleep(0.05)


async def discard(reader: asyncio.StreamReader) -> None:
    """Read until the connection ends."""
    with suppress(OSError):
        while await reader.read(2**18):
            pass
