"""For each attack another one of its kind: other fields, texts, frames or another protocol."""

import asyncio
import os
from base64 import urlsafe_b64decode as b64decode
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, cycle
from urllib.parse import quote
from uuid import UUID

import orjson

from bench.attacks import (
    ANSWER_SECONDS,
    CHANGED,
    FOLLOWED,
    HANDSHAKE,
    Target,
    attack,
    changing,
    discard,
    flood,
    flooding_sockets,
    following,
    pouring,
    request,
    sending,
    text_frame,
    words,
)
from bench.subscribers import Writer
from todo_gql.changelog.cursors import cursor_of


def sorts(fields: int) -> str:
    """A query of several fields that sort what has none of some tags."""
    word = words()
    asked = (
        f'f{n}: todos(first: 1, filter: {{ tags: {{ none: ["{next(word)}"] }} }},'
        " sort: [{ field: DUE_AT }, { field: PRIORITY }]) { nodes { id } }"
        for n in range(fields)
    )
    return f"{{ {' '.join(asked)} }}"


@attack(
    "one request of 20 sorts after the other",
    variant_of="one request of 20 searches after the other",
)
async def sorting(target: Target) -> None:
    """Each sorts all todos by keys that no index has together."""
    await sending(target, cycle([request(sorts(20), target.token)]), 0.01)


@attack(
    "a hundred requests of 20 sorts at once", variant_of="a hundred requests of 20 searches at once"
)
async def sorting_at_once(target: Target) -> None:
    """The same, side by side."""
    sent = request(sorts(20), target.token)
    await flood(target, lambda _: cycle([sent]), 100, 0.05)


@attack("filters of 45 lists of tags", variant_of="filters of 45 searches")
async def filtering_by_much(target: Target) -> None:
    """Joins rather than texts."""
    parts = ", ".join(f'{{ tags: {{ some: ["tag {n}x", "y"] }} }}' for n in range(45))
    query = f"{{ todos(first: 1, filter: {{ or: [{parts}] }}) {{ nodes {{ id }} }} }}"
    await flood(target, lambda _: cycle([request(query, target.token)]), 20, 0.05)


@attack("stats of what is rare", variant_of="counts of what is rare")
async def counting_by_status(target: Target) -> None:
    """Each looks at all todos."""
    word = words()
    asked = (f'f{n}: stats(filter: {{ search: "{next(word)}" }}) {{ total }}' for n in range(10))
    sent = request(f"{{ {' '.join(asked)} }}", target.token)
    await flood(target, lambda _: cycle([sent]), 30, 0.05)


@attack("searches of tags in variables", variant_of="counts of tags in variables")
async def searching_tags(target: Target) -> None:
    """Counts and pages of tags, and what has none."""
    query = (
        "query ($s: String, $f: TodoFilter) { tags(first: 1, search: $s) { totalCount nodes { id } }"
        " todos(last: 1, filter: $f) { totalCount } }"
    )
    variables = {"s": "g 1", "f": {"or": [{"tags": {"isEmpty": True}}, {"search": "qz"}]}}
    sent = request(query, target.token, variables)
    await flood(target, lambda _: cycle([sent]), 30, 0.05)


@attack("changes of one profile at once", variant_of="writes to one account at once")
async def changing_profile(target: Target) -> None:
    """Each waits for the lock of the account."""
    query = 'mutation { profileUpdate(input: { bio: "Flood" }) { errors { code } } }'
    sent = request(query, target.token)
    await flood(target, lambda _: cycle([sent]), 100, 0.05)


@attack("bulk updates of one account at once", variant_of="bulk writes to one account at once")
async def updating_much(target: Target) -> None:
    """A hundred todos each, back and forth."""
    connection = Writer(f"127.0.0.1:{target.port}", target.token)
    asked = "{ todos(first: 100) { nodes { id } } }"
    nodes = (await connection.execute(asked, {}))["data"]["todos"]["nodes"]
    connection.close()
    ids = [node["id"] for node in nodes]
    sent = [request(CHANGED, target.token, {"ids": ids, "p": each}) for each in ("LOW", "HIGH")]
    await flood(target, lambda _: cycle(sent), 20, 0.2)


@attack(
    "a hundred subscriptions that differ by an argument",
    variant_of="a hundred subscriptions that differ by an alias",
)
async def following_by_arguments(target: Target) -> None:
    """Another page of the history for each."""

    def subscriptions(number: int) -> list[tuple[str, object]]:
        query = (
            (FOLLOWED % "").replace("first: 20", "first: $n").replace("$after:", "$n: Int, $after:")
        )
        return [(query, {"n": 1 + number * 20 + n}) for n in range(20)]

    await asyncio.gather(following(target, 5, subscriptions), changing(target))


@attack(
    "a hundred subscriptions that differ by the tags of a filter",
    variant_of="a hundred subscriptions that differ by a filter",
)
async def following_by_tags(target: Target) -> None:
    """Each filter matches every change."""

    def subscriptions(number: int) -> list[tuple[str, object]]:
        tags = [f"tag{number}x{n}" for n in range(20)]
        return [(FOLLOWED % "", {"filter": {"tags": {"none": [tag]}}}) for tag in tags]

    await asyncio.gather(following(target, 5, subscriptions), changing(target))


@attack(
    "twenty event streams that are 50,000 changes behind",
    variant_of="twenty followers who are 50,000 changes behind",
)
async def streaming_from_far(target: Target) -> None:
    """The same by server-sent events."""
    owner = UUID(orjson.loads(b64decode(target.token.split(".")[1] + "=="))["sub"])

    async def stream(number: int) -> None:
        sent = request(
            FOLLOWED % "", target.token, {"after": cursor_of(owner, 50_000 + 500 * number)}
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(sent.replace(b"accept: application/json", b"accept: text/event-stream"))
        await discard(reader)

    await asyncio.gather(*(stream(number) for number in range(20)))


@attack("cheap requests by GET without an account", variant_of="cheap requests without an account")
async def getting_signed_out(target: Target) -> None:
    """Documents in the address, and paths that there aren't."""
    number = count()

    def requests(_: int) -> Iterator[bytes]:
        document = quote("{ viewer { id } }")
        while True:
            for path in (f"/graphql?query={document}", f"/nothing/{next(number)}"):
                yield (
                    f"GET {path} HTTP/1.1\r\nhost: x\r\naccept: application/json\r\n\r\n".encode()
                )

    await flood(target, requests, 20, 0.02)


@attack(
    "resets and logins with odd passwords without an account",
    variant_of="registrations and logins without an account",
)
async def signing_in_oddly(target: Target) -> None:
    """A password that isn't in its normal form is compared twice."""
    number = count()

    def requests(_: int) -> Iterator[bytes]:
        while True:
            name = f"flood-{os.getpid()}-{next(number)}@example.com"
            given = f'usernameOrEmail: "{name}", password: "\uff23orrect1horse"'
            yield request(f"mutation {{ login(input: {{ {given} }}) {{ errors {{ code }} }} }}")
            yield request(f'mutation {{ passwordResetRequest(email: "{name}") {{ ok }} }}')
            yield request('mutation { emailVerify(token: "nothing") { errors { code } } }')

    await flood(target, requests, 20, 0.05)


@attack("other bad texts in other places", variant_of="the worst texts in every place")
async def writing_badly_elsewhere(target: Target) -> None:
    """Searches, dates, names, numbers of metadata and cursors."""
    query = "query ($f: TodoFilter, $a: String) { todos(first: 1, after: $a, filter: $f) { nodes { id } } }"
    profile = "mutation ($p: ProfileUpdateInput!) { profileUpdate(input: $p) { errors { code } } }"
    create = "mutation ($t: TodoCreateInput!) { todoCreate(input: $t) { errors { code } } }"
    folded, marks = "\u0130\u1e9e\ufb03" * 60, "a" + "\u0327\u0301" * 15
    sent = [
        request(query, target.token, {"f": {"or": [{"search": folded}] * 45}}),
        request(query, target.token, {"f": {"dueAt": {"lt": "2" * 140}}, "a": "A" * 2_000}),
        request(profile, target.token, {"p": {"firstName": marks * 12, "bio": "\u0344" * 60_000}}),
        request(profile, target.token, {"p": {"avatarUrl": "http://" + "\u2100." * 20_000}}),
        request(create, target.token, {"t": {"title": "x", "metadata": {"n": [1e300] * 2_000}}}),
        request(
            create, target.token, {"t": {"title": "x", "dueAt": "2026-01-01T00:00:00." + "9" * 120}}
        ),
    ]
    await flood(target, lambda _: cycle(sent), 20, 0.05)


@attack(
    "fields in conflict and long values without an account",
    variant_of="the worst documents without an account",
)
async def conflicting(target: Target) -> None:
    """Comparisons of fields, lists in lists and many variables."""
    number = count()

    def requests(_: int) -> Iterator[bytes]:
        equal, lists = "a: viewer { id } " * 150, "[" * 300 + "]" * 300
        variables = " ".join(f"$v{n}: ID" for n in range(250))
        while True:
            one = next(number)
            yield request(f"query Q{one} {{ {equal} a: stats {{ total }} }}")
            yield request(f"query Q{one} {{ todos(filter: {lists}) {{ nodes {{ id }} }} }}")
            yield request(f"query Q{one}({variables}) {{ viewer {{ id }} }}")

    await flood(target, requests, 20, 0.02)


@attack("nodes and edges of histories", variant_of="aliases of metadata under history")
async def asking_for_the_same(target: Target) -> None:
    """The same long values by two lists and by fragments."""
    query = (
        "{ todos(first: 10) { nodes { ...T } edges { node { ...T } } } }"
        " fragment T on Todo { history(first: 10) { nodes { ...H } edges { node { ...H } } } }"
        " fragment H on Change { todo { a: metadata b: metadata c: description d: description } }"
    )
    await flood(target, lambda _: cycle([request(query, target.token)]), 10, 0.05)


@attack("long answers on WebSockets that nobody reads", variant_of="long answers that nobody reads")
async def leaving_messages_unread(target: Target) -> None:
    """As many sockets as one may have, with as many operations on each."""
    query = "{ todos(first: 100) { nodes { title description metadata tags { name } } } }"
    begin = text_frame(
        orjson.dumps({"type": "connection_init", "payload": {"token": target.token}})
    )
    asked = [
        text_frame(orjson.dumps({"type": "subscribe", "id": f"{n}", "payload": {"query": query}}))
        for n in range(20)
    ]

    async def leave() -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=1024)
                writer.write(HANDSHAKE + begin)
                await asyncio.sleep(0.5)
                writer.write(b"".join(asked))
                await asyncio.sleep(ANSWER_SECONDS)
                writer.close()

    await asyncio.gather(*(leave() for _ in range(5)))


@attack("pongs on sockets without an account", variant_of="pings on sockets without an account")
async def ponging(target: Target) -> None:
    """Answers to what wasn't asked."""
    await flooding_sockets(target, text_frame(b'{"type":"pong"}') * 1000)


@attack("pongs of WebSockets themselves", variant_of="pings of WebSockets themselves")
async def ponging_below(target: Target) -> None:
    """Frames that need no answer."""
    await flooding_sockets(target, b"\x8a\x80\0\0\0\0" * 10_000)


@attack("fragments of a message without an end", variant_of="completes of what never began")
async def fragmenting(target: Target) -> None:
    """A text that begins, and goes on with nothing."""
    await flooding_sockets(target, b"\x01\x80\0\0\0\0" + b"\0\x80\0\0\0\0" * 10_000)


@attack(
    "operations in one piece on a connection", variant_of="requests in one piece on a connection"
)
async def pipelining_operations(target: Target) -> None:
    """The same with operations, which count against the limit."""
    sent = request("{ __typename }") * 1000
    await asyncio.gather(*(pouring(target, b"", sent) for _ in range(4)))
