"""Answers as our own server sends them: whole, past ASGI's messages, and the same as in messages."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, visiting
from tests.support.subscribers import PATIENCE, listening
from todo_gql.app import create_app
from todo_gql.settings import Settings

LONG = "{ " + " ".join(f"a{number:0100}: __typename" for number in range(10)) + " }"
LONGER = "{ todos { nodes { id title description } } }"
# What no two answers have in common.
OWN_HEADERS = ("date", "server", "x-request-id", "x-response-time")
NUMBERS = re.compile(r"(?<=[rt]=)\d+")


def comparable(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer without what is of its own, and with what it has in common with others."""
    headers = [(n.decode(), NUMBERS.sub("N", v.decode())) for n, v in answer.headers.raw]
    return answer.status_code, [h for h in headers if h[0] not in OWN_HEADERS], answer.content


Clients = tuple[httpx.AsyncClient, httpx.AsyncClient]


@pytest.fixture(scope="module")
async def clients(app: ASGIApp, settings: Settings, database_url: str) -> AsyncIterator[Clients]:
    """Clients of one application with limits: over our own server, and in messages."""
    limits = {"rate_limit_requests": 10_000, "rate_limit_cost": 1_000_000}
    limited = create_app(settings.model_copy(update=limits), database_url)
    async with (
        listening(limited, settings) as address,
        httpx.AsyncClient(timeout=PATIENCE, base_url=f"http://{address}") as over_http,
        httpx.AsyncClient(transport=httpx.ASGITransport(limited), base_url="http://x") as plain,
    ):
        yield over_http, plain


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("origin", ["", "https://app.example"])
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize(
    "query",
    [
        "{ __typename }",
        LONG,
        LONGER,
        "{ nope }",
        "",
        "query A { __typename } query B { __typename }",
    ],
    ids=["short", "long", "longer", "invalid", "no query", "without a name"],
)
async def test_an_answer_is_the_same_at_once_and_in_messages(
    clients: Clients, account: Account, query: str, accept: str, origin: str, encoding: str
) -> None:
    """An answer has the same status, headers in order, and body at once as in messages."""
    if query == LONGER:
        await account.create_many([{"title": "x" * 100, "description": "y" * 3000}] * 50)
    headers = {"authorization": f"Bearer {account.token}", "accept": accept}
    headers |= {"accept-encoding": encoding} | ({"origin": origin} if origin else {})
    over_http, plain = clients
    answers = [
        await http.post("/graphql", json={"query": query}, headers=headers)
        for http in (over_http, over_http, plain)
    ]
    first, again, in_messages = map(comparable, answers)
    assert first == again == in_messages
    is_long = query in (LONG, LONGER)
    assert (len(answers[0].content) >= 1024) is is_long
    is_compressed = encoding == "gzip" and is_long
    assert ("content-encoding" in answers[0].headers) is is_compressed
    assert ("Accept-Encoding" in answers[0].headers["vary"]) is is_compressed


async def test_nothing_is_compressed_where_that_is_off(
    app: ASGIApp, settings: Settings, database_url: str
) -> None:
    """Nothing is compressed where that is off, however long the answer is."""
    off = create_app(settings.model_copy(update={"enable_compression": False}), database_url)
    async with visiting(off) as visitor:
        answer = await visitor.post(LONG)
    assert len(answer.content) > 1024
    assert "content-encoding" not in answer.headers


async def test_a_refusal_is_the_same_at_once_and_in_messages(clients: Clients) -> None:
    """Its own headers included, to the letter."""
    answers = [comparable(await http.put("/graphql", content=b"x")) for http in clients]
    assert answers[0] == answers[1]
    assert ("allow", "GET, POST") in answers[0][1]


async def test_an_answer_says_that_the_connection_ends(app: ASGIApp, settings: Settings) -> None:
    """An answer announces that the connection ends to whoever asked for that."""
    async with (
        listening(app, settings) as address,
        httpx.AsyncClient(timeout=PATIENCE) as http,
    ):
        url, body = f"http://{address}/graphql", {"query": "{ __typename }"}
        for connection in ("keep-alive", "close", "keep-alive"):
            answer = await http.post(url, json=body, headers={"connection": connection})
            assert answer.json()["data"] == {"__typename": "Query"}
            assert (answer.headers.get("connection") == "close") is (connection == "close")
