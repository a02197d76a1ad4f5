"""Answers are never longer than they may be, whatever they are made of, and keep nobody waiting."""

import json
from typing import Any
from uuid import uuid4

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.accounts import Account, visiting
from tests.support.subscribers import connected, listening, streaming
from tests.support.waiting import counted_turns
from todo_gql.app import create_app
from todo_gql.event_loop import time_slice
from todo_gql.http.graphql.response import GraphQLResponse, ResponseSender, SerializedData
from todo_gql.http.negotiation import JSON
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

KIBIBYTE = 1024
MOST = 64 * KIBIBYTE
METADATA = {"text": "m" * 16_000}
DESCRIPTION = "ä" * 5_000
TODOS = 3


def often(field: str, times: int = 20) -> str:
    """A selection of a field under several names."""
    return " ".join(f"{'x' * 20}{number}: {field}" for number in range(times))


@pytest.fixture
def small(settings: Settings, app: ASGIApp, database_url: str) -> ASGIApp:
    """An application whose answers have 64 KiB at most."""
    changed = {"max_answer_bytes": MOST, "rate_limit_cost": 0, "rate_limit_requests": 0}
    return create_app(settings.model_copy(update=changed), database_url)


@pytest.fixture
async def writer(account: Account) -> Account:
    """Somebody whose few todos are as long as they may be."""
    for _ in range(TODOS):
        await account.create(title="t" * 200, description=DESCRIPTION, metadata=METADATA)
    return account


async def ask(app: ASGIApp, account: Account, query: str, **variables: Any) -> dict[str, Any]:
    """What an application answers."""
    async with visiting(app) as client:
        return dict((await client.post(query, variables, account.token)).json())


def refused(answer: dict[str, Any]) -> str:
    """What is said of an answer that is too large."""
    assert answer["data"] is None
    [error] = answer["errors"]
    assert len(json.dumps(answer)) < KIBIBYTE
    assert error["extensions"] == {
        "code": "COST_LIMIT",
        "reason": "ANSWER_TOO_LARGE",
        "limit": MOST,
    }
    return str(error["message"])


HISTORY = "history(first: 1) { nodes { %s } }"
TOO_LONG = {
    "aliases of metadata": f"nodes {{ {often('metadata')} }}",
    "aliases of a description": f"nodes {{ {often('description')} }}",
    "a history": f"nodes {{ {HISTORY % ('todo { ' + often('metadata') + ' }')} }}",
    "what a change touched": f"nodes {{ {HISTORY % ('fields { ' + often('after') + ' }')} }}",
    "long names": f"nodes {{ id {'n' * 25_000}: id }}",
    "edges": f"edges {{ node {{ {often('metadata')} }} }}",
}


@pytest.mark.parametrize("name", TOO_LONG)
async def test_an_answer_that_is_too_large_is_an_error(
    small: ASGIApp, writer: Account, name: str
) -> None:
    """An answer that is too large is an error that says what to do, whatever makes it large."""
    answer = await ask(small, writer, f"{{ todos(first: 3) {{ {TOO_LONG[name]} }} }}")
    assert refused(answer) == (
        "The response is larger than 65,536 bytes. Ask for smaller pages, or for fewer long fields."
    )
    assert answer["extensions"]["cost"]["requested"] > 0
    assert (await ask(small, writer, "{ viewer { username } }"))["data"]["viewer"]


async def test_short_fields_make_a_long_answer_too(small: ASGIApp, writer: Account) -> None:
    """Titles under thirty names, of a few todos more."""
    for _ in range(10):
        await writer.create(title="t" * 200)
    refused(await ask(small, writer, f"{{ todos {{ nodes {{ {often('title', 30)} }} }} }}"))


async def test_several_root_fields_are_counted_together(small: ASGIApp, writer: Account) -> None:
    """Each of them alone would be short enough."""
    page = "todos(first: 3) { nodes { metadata } }"
    assert "errors" not in await ask(small, writer, f"{{ {page} }}")
    refused(await ask(small, writer, f"{{ a: {page} b: {page} }}"))


async def test_what_may_be_long_and_is_not_is_answered(small: ASGIApp, account: Account) -> None:
    """Fields that may be long and aren't are answered with nulls, lists and numbers."""
    todo = await account.create(metadata={"a": [1, {"b": 1e300}, 0.5, None]}, tags=["x"])
    query = """query ($missing: ID!) {
      todos(first: 3) { nodes { id description metadata tags { name }
        history(first: 3) { nodes { fields { name before after } actor { username bio } } } } }
      none: todos(filter: { search: "nothing of the kind" }) { nodes { metadata } }
      node(id: $missing) { id }
    }"""
    missing = str(uuid4())
    answer = await ask(small, account, query, missing=missing)
    answer.pop("extensions")
    assert answer == await account.execute(query, {"missing": missing})
    assert answer["data"]["todos"]["nodes"][0]["metadata"] == {"a": [1, {"b": 1e300}, 0.5, None]}
    assert answer["data"]["todos"]["nodes"][0]["id"] == todo["id"]


async def test_a_mutation_says_that_it_was_executed(small: ASGIApp, writer: Account) -> None:
    """A mutation whose answer is too large says that it was executed, and its effect is stored."""
    made = str(uuid4())
    query = f"""mutation ($input: TodoCreateInput!) {{
      todoCreate(input: $input) {{ todo {{ {often("metadata")} }} }}
    }}"""
    given = {"id": made, "title": "Made", "metadata": METADATA}
    said = refused(await ask(small, writer, query, input=given))
    assert said.startswith("The mutation was executed, so don't send it again: ")
    assert (await writer.data(f'{{ todo(id: "{made}") {{ title }} }}'))["todo"]["title"] == "Made"


async def test_an_event_that_is_too_large_leaves_its_subscription(
    small: ASGIApp, settings: Settings, writer: Account
) -> None:
    """An event that is too large leaves its subscription open on WebSockets and event streams."""
    selected = f"... on Change {{ todo {{ title {often('metadata')} }} }}"
    query = f"subscription ($after: String) {{ changes(after: $after) {{ {selected} }} }}"
    after = (await writer.data("{ changeCursor }"))["changeCursor"]
    async with (
        listening(small, settings) as address,
        connected(address, writer.token) as socket,
        streaming(address, writer.token, query, after=after) as stream,
    ):
        await socket.subscribe(query, after=after)
        await writer.create(title="Long", metadata=METADATA)
        refused((await socket.next())["payload"])
        refused((await stream.next())[1])
        await writer.create(title="Short")
        assert (await socket.changes(1))[0]["todo"]["title"] == "Short"
        assert (await stream.changes(1))[0]["todo"]["title"] == "Short"


async def test_a_query_on_a_socket_is_held_to_the_limit(
    small: ASGIApp, settings: Settings, writer: Account
) -> None:
    """A query on a socket has the limit of one over HTTP, and the socket stays."""
    query = f"{{ todos {{ nodes {{ {often('metadata')} }} }} }}"
    async with listening(small, settings) as address:
        async with connected(address, writer.token) as socket:
            await socket.subscribe(query)
            refused((await socket.next())["payload"])
            assert (await socket.next())["type"] == "complete"
            await socket.settled()
        async with streaming(address, writer.token, query) as stream:
            refused((await stream.next())[1])


async def test_a_long_answer_lets_others_have_their_turn(
    app: ASGIApp, writer: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long answer lets others have a turn where its time slice is over, up to 8 MiB."""
    monkeypatch.setattr(time_slice, "SLICE_SECONDS", 0.0)
    query = "mutation ($i: [TodoCreateInput!]!) { todoBulkCreate(inputs: $i) { errors { code } } }"
    for _ in range(3):
        await writer.data(query, i=[{"title": "Long", "metadata": METADATA}] * 14)
    # Each todo is one piece of 266 KiB, after which the time is looked at; the 31st exceeds 8 MiB.
    query = f"{{ todos(first: 40) {{ nodes {{ {often('metadata', 17)} }} }} }}"
    async with counted_turns() as turns:
        answer = await writer.execute(query)
    [error] = answer["errors"]
    assert error["extensions"]["reason"] == "ANSWER_TOO_LARGE"
    assert turns.number >= 30


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_long_answer_is_sent_in_chunks(
    settings: Settings, database_url: str, writer: Account, encoding: str
) -> None:
    """No part of a long answer is longer than 256 KiB, and together they have the announced length."""
    app = create_app(settings.model_copy(update={"enable_compression": True}), database_url)
    messages: list[Message] = []

    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        async def recorded_send(message: Message) -> None:
            messages.append(dict(message))
            await send(message)

        await app(scope, receive, recorded_send)

    # Of digits that repeat nowhere, so that they are long when compressed, too.
    digits = "".join(str(uuid4().int) for _ in range(400))[:15_000]
    for _ in range(TODOS):
        await writer.create(title="t", metadata={"text": digits})
    query = (
        f'{{ unknown: todo(id: "no id") {{ id }} todos {{ nodes {{ {often("metadata", 25)} }} }} }}'
    )
    async with visiting(recorded) as client:
        response = await client.http.post(
            "/graphql",
            json={"query": query},
            headers={"authorization": f"Bearer {writer.token}", "accept-encoding": encoding},
        )
    head, *parts = messages
    sizes = [len(part["body"]) for part in parts]
    headers = {name.lower(): value for name, value in head["headers"]}
    assert max(sizes) <= 256 * KIBIBYTE
    assert len([size for size in sizes if size]) > (encoding == "identity")
    assert int(headers[b"content-length"]) == sum(sizes)
    assert headers.get(b"content-encoding", b"identity").decode() == encoding
    answer = response.json()
    assert list(answer) == ["data", "extensions"]
    texts = [each["text"] for node in answer["data"]["todos"]["nodes"] for each in node.values()]
    assert texts.count(digits) == 25 * TODOS
    assert len(texts) == 50 * TODOS


async def test_errors_come_before_long_data(settings: Settings) -> None:
    """Errors stand before long data, as in all other answers, and extensions after it."""
    body = {
        "errors": [{"message": "M", "extensions": {"code": "C"}}],
        "data": SerializedData(b'{"a":1}'),
        "extensions": {"b": 2},
    }
    sent: list[bytes] = []

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    sender, response = ResponseSender(None, RateLimits(settings)), GraphQLResponse(200, body)
    await sender.send({"type": "http", "headers": []}, send, response, JSON)
    assert b"".join(sent) == (
        b'{"errors":[{"message":"M","extensions":{"code":"C"}}],"data":{"a":1},"extensions":{"b":2}}'
    )


async def test_who_is_sent_much_is_charged_for_it(
    settings: Settings, database_url: str, writer: Account
) -> None:
    """A unit for each 4 KiB beyond 256, until nothing is left; short answers cost nothing more."""
    changed = {"rate_limit_cost": 5000, "rate_limit_requests": 0}
    app = create_app(settings.model_copy(update=changed), database_url)
    query = f"{{ todos(first: 3) {{ nodes {{ {often('metadata', 10)} }} }} }}"
    async with visiting(app) as client:

        async def left(text: str) -> tuple[int, int]:
            answer = await client.post(text, {}, writer.token)
            told = answer.headers["ratelimit"].split("r=")[1].split(";")[0]
            return int(told), len(answer.content)

        before, _ = await left("{ viewer { id } }")
        priced, size = await left(query)
        after, _ = await left("{ viewer { id } }")
    assert size > 400_000
    assert before - priced == 3 * (1 + 9 * 4)
    assert priced - after - 1 == (size - 256 * KIBIBYTE) // (4 * KIBIBYTE)


async def test_an_odd_id_has_nothing_beside_it_written_anew(account: Account) -> None:
    """An id of lone surrogates goes back as it came, and long metadata beside it as it is stored."""
    todo = await account.create(metadata={"a": [{"b": 1}, [2]]})
    document = (
        "mutation ($ids: [ID!]!) { todoBulkUpdate(ids: $ids, action: { setPriority: LOW },"
        " onError: SKIP_FAILED) { results { id todo { metadata } } } }"
    )
    body = json.dumps({"query": document, "variables": {"ids": [todo["id"], "\ud800"]}})
    headers = {"content-type": "application/json", "authorization": f"Bearer {account.token}"}
    answer = await account.http.post("/graphql", content=body, headers=headers)
    results = json.loads(answer.content)["data"]["todoBulkUpdate"]["results"]
    assert [result["id"] for result in results] == [todo["id"], "\ud800"]
    assert b'{"metadata":{"a":[{"b":1},[2]]}}' in answer.content
