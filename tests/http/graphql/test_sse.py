"""GraphQL over server-sent events, and which requests are answered so."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client
from tests.support.subscribers import CHANGES, PATIENCE, followed_by, listening, streaming
from todo_gql.settings import Settings

URQL = (
    "application/graphql-response+json, application/graphql+json, application/json,"
    " text/event-stream, multipart/mixed"
)
URQL_SUBSCRIPTION = "text/event-stream, multipart/mixed"


async def answered(account: Client, query: str, accept: str, **headers: str) -> httpx.Response:
    """The answer to an operation that ends, with this Accept."""
    sent = {"accept": accept, "authorization": f"Bearer {getattr(account, 'token', '')}"} | headers
    return await account.http.post("/graphql", json={"query": query}, headers=sent)


async def test_changes_are_told_as_events(account: Account, address: str) -> None:
    """Each as an event `next`, and ResyncRequired with `complete` after it."""
    async with streaming(address, account.token) as stream:
        assert stream.response.status_code == 200
        headers = stream.response.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        while not stream.comments:
            line = await anext(stream.lines)
            stream.comments += line == ":"
        await followed_by(account.id)
        todo = await account.create(title="A")
        [event] = await stream.changes(1)
        assert (event["action"], event["todoId"]) == ("CREATED", todo["id"])
    async with streaming(address, account.token, after="nonsense") as stream:
        name, body = await stream.next()
        assert (name, body["data"]["changes"]["__typename"]) == ("next", "ResyncRequired")
        assert await stream.next() == ("complete", None)
        with pytest.raises(EOFError):
            await stream.next()


async def test_heartbeats_come_while_nothing_happens(
    account: Account, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats come as comments while nothing happens."""
    monkeypatch.setattr("todo_gql.http.graphql.sse.HEARTBEAT_SECONDS", 0.05)
    async with streaming(address, account.token) as stream, asyncio.timeout(PATIENCE):
        lines = [await anext(stream.lines) for _ in range(6)]
    assert lines == [":", ""] * 3


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/event-stream", "text/event-stream"),
        (URQL_SUBSCRIPTION, "text/event-stream"),
        ("text/event-stream, application/json;q=0.9", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
        (URQL, "application/graphql-response+json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream, application/json", "application/json"),
        ("text/event-stream;q=0.5, */*", "application/json"),
        ("text/event-stream;q=0, */*", "application/json"),
    ],
)
async def test_what_has_one_answer_is_a_stream_if_that_is_preferred(
    accept: str, expected: str, account: Account
) -> None:
    """Clients that only mention event streams get JSON, as urql's do with every request."""
    answer = await answered(account, "{ viewer { id } }", accept)
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"
    cost = '"extensions":{"cost":{"requested":1,"limit":5000}}'
    data = f'{{"data":{{"viewer":{{"id":"{account.id}"}}}},{cost}}}'
    stream = f":\n\nevent: next\ndata: {data}\n\nevent: complete\ndata:\n\n"
    assert answer.text in {data, stream}
    assert ("event: next" in answer.text) == (expected == "text/event-stream")


async def test_a_subscription_is_a_stream_if_that_is_accepted(
    account: Account, client: Client
) -> None:
    """A subscription is a stream if that is accepted beside JSON; otherwise the error says how."""
    query = 'subscription { changes(after: "nonsense") { __typename } }'
    for accept in (URQL, URQL_SUBSCRIPTION, "application/json, text/event-stream;q=0.1"):
        answer = await answered(account, query, accept)
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.text.endswith("event: complete\ndata:\n\n")
    for accept in ("application/json", "*/*"):
        [error] = (await answered(account, query, accept)).json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "text/event-stream" in error["message"]
    answer = await answered(client, query, "text/event-stream", authorization="")
    assert "UNAUTHENTICATED" in answer.text


async def test_mutations_over_event_streams(account: Account) -> None:
    """Mutations run over event streams by POST; a GET only reads."""
    query = 'mutation { todoCreate(input: { title: "A" }) { errors { code } } }'
    answer = await answered(account, query, "text/event-stream")
    assert '{"data":{"todoCreate":{"errors":[]}},' in answer.text
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {account.token}"}
    answer = await account.http.get("/graphql", params={"query": query}, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await account.http.get(
        "/graphql", params={"query": "{ a: __typename }"}, headers=headers
    )
    assert 'data: {"data":{"a":"Query"},' in answer.text


@pytest.mark.parametrize(
    "query", ["{", "{ nonsense }", "query A { a: __typename } query B { a: __typename }"]
)
async def test_what_can_not_be_executed_is_told_in_the_stream(query: str, account: Account) -> None:
    """An invalid operation sends the errors of JSON in the stream."""
    answer = await answered(account, query, "text/event-stream")
    assert answer.status_code == 200
    errors = (await account.execute(query))["errors"]
    assert errors[0]["extensions"]["code"] in answer.text
    assert answer.text.endswith("event: complete\ndata:\n\n")


@pytest.mark.parametrize("body", [b"", b"null", b"[1]", b"{}", b"\xff", b'{"query": 5}'])
async def test_what_is_no_request_is_answered_in_json(body: bytes, account: Account) -> None:
    """A request that is malformed is answered in JSON with a status, as over HTTP."""
    headers = {"accept": "text/event-stream", "content-type": "application/json"}
    answer = await account.http.post("/graphql", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (
        400,
        "application/json; charset=utf-8",
    )


async def test_only_known_origins_get_streams(account: Account) -> None:
    """Only the origins of BACKEND_CORS_ORIGINS and the server's own get streams."""
    for origin, status in (
        ("https://app.example", 200),
        ("http://todo.test", 200),
        ("https://evil.example", 403),
    ):
        answer = await answered(account, "{ __typename }", "text/event-stream", origin=origin)
        assert answer.status_code == status


async def test_a_user_has_twenty_streams(account: Account, address: str) -> None:
    """One more gets 429 and when to try again."""
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {account.token}"}
    limits = httpx.Limits(max_connections=30)
    async with httpx.AsyncClient(base_url=f"http://{address}", limits=limits) as client:
        requests = [
            client.build_request("POST", "/graphql", json={"query": CHANGES}, headers=headers)
            for _ in range(21)
        ]
        answers = [await client.send(request, stream=True) for request in requests]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        refused: Any = answers[-1]
        await refused.aread()
        assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert refused.headers["retry-after"] == "1"
        for answer in answers:
            await answer.aclose()


async def test_streams_end_when_the_server_stops(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """Streams end at once when the server stops, without `complete`, so that clients come back."""
    async with listening(app, settings) as address:
        opening = streaming(address, account.token)
        stream = await opening.__aenter__()
        assert await anext(stream.lines) == ":"
    with pytest.raises(EOFError):
        await stream.next()
    await opening.__aexit__(None, None, None)


async def test_a_stream_that_a_request_waits_behind_ends_too(
    account: Account, app: ASGIApp, settings: Settings
) -> None:
    """A stream with a request waiting behind it ends when the server stops."""
    stream, request = (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %b\r\nAccept: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (account.token.encode(), accept, len(body), body)
        for accept, body in (
            (b"text/event-stream", json.dumps({"query": CHANGES}).encode()),
            (b"application/json", b'{"query": "{ __typename }"}'),
        )
    )
    async with asyncio.timeout(PATIENCE), listening(app, settings) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(stream)
        await reader.readuntil(b":\n\n")
        writer.write(request)
        await asyncio.sleep(0.05)
    assert b'{"__typename":"Query"}' in await reader.read()
    writer.close()
