"""Documents that can't be executed: they are refused soon, and cost who sends them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, visiting
from tests.support.subscribers import connected, listening
from todo_gql.app import create_app
from todo_gql.documents import parsing
from todo_gql.documents.steps import Steps, run_steps
from todo_gql.http.graphql.operation_cache import MAX_KEY_LENGTH, OperationCache
from todo_gql.settings import Settings

UNKNOWN = "{ nothing }"
OFTEN = "same fields too often"
OBJECTS, LEAVES = "viewer { id } " * 200, "id " * 900
FIFTY = " ".join(f"...F{n}" for n in range(50))


def fragments(number: int, inside: str, on: str = "User") -> str:
    """As many fragments that hold the same."""
    return " ".join(f"fragment F{n} on {on} {{ {inside} }}" for n in range(number))


@pytest.mark.parametrize(
    "query",
    [
        f"{{ viewer {{ id }} }} fragment F on Query {{ {OBJECTS} }}",
        f"{{ viewer {{ id }} }} fragment F on User {{ {LEAVES} }}",
        f"{{ viewer {{ id }} }} fragment F on Nothing {{ {LEAVES} }}",
        f"{{ viewer {{ ...F }} }} fragment F on User {{ ...F {LEAVES} }}",
        f"{{ ...F }} fragment F on Query {{ ...F {OBJECTS} }}",
        f"{{ viewer {{ ... on Todo {{ {LEAVES} }} }} }}",
        f"{{ viewer {{ ...F }} }} fragment F on Query {{ {OBJECTS} }}",
        "{ viewer { ...F0 } } " + fragments(20, " ".join(f"...F{n}" for n in range(20))),
        "{ viewer { " + " ".join(f"...F{n}" for n in range(95)) + " } } " + fragments(95, "id"),
        f"query A {{ viewer {{ id }} }} query B {{ {OBJECTS} }}",
        f"subscription {{ {'changes { __typename } ' * 200} }}",
        f"{{ nothing {{ {OBJECTS} }} }}",
    ],
)
async def test_documents_that_are_dear_to_validate_are_refused(
    client: Client, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents that are expensive to validate are refused before that."""
    validated = list[object]()
    monkeypatch.setattr(parsing, "validate", lambda *given, **_: validated.append(given))
    answer = await client.execute(query)
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert OFTEN in error["message"]
    assert validated == []


@pytest.mark.parametrize(
    "query",
    [
        f"{{ viewer {{ {FIFTY} }} }} {fragments(50, 'id')}",
        "{ viewer { " + "... { id } " * 100 + "} }",
        "{ viewer { " + "stats { total } " * 30 + "} }",
    ],
)
async def test_many_fragments_are_answered(account: Account, query: str) -> None:
    """Many fragments are answered, as the generators of large apps write them."""
    assert (await account.data(query))["viewer"]


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
async def test_errors_tell_their_lines(client: Client, line_break: str) -> None:
    """Errors have their lines, however many lines and errors there are."""
    lines = ["{", *([""] * 9_000), *(f"  nothing{n}" for n in range(9)), "}"]
    errors = (await client.execute(line_break.join(lines)))["errors"]
    places = [error["locations"] for error in errors]
    assert places == [[{"line": 9_002 + n, "column": 3}] for n in range(9)]


async def test_an_error_of_several_places_tells_all(client: Client) -> None:
    """Two fields that conflict are named by the lines of both."""
    [error] = (await client.execute("{\n viewer {\n  a: id\n\n  a: username\n }\n}"))["errors"]
    assert error["locations"] == [{"line": 3, "column": 3}, {"line": 5, "column": 3}]


async def test_execution_tells_lines(account: Account) -> None:
    """An error of a field that failed in execution has its line."""
    error = await account.error("\n\n{\n  todos(first: 0) { totalCount }\n}")
    assert error["locations"] == [{"line": 4, "column": 3}]


async def test_a_document_that_is_not_closed_tells_its_end(client: Client) -> None:
    """Line and column of what is missing."""
    [error] = (await client.execute("{\n\n  viewer {"))["errors"]
    assert error["locations"] == [{"line": 3, "column": 11}]


@pytest.mark.parametrize("size", [40_000, 250_000])
@pytest.mark.parametrize(
    "around",
    [
        '{{ todo(id: "{}") {{ id }} }}',
        '{{ todo(id: """{}""") {{ id }} }}',
        "{{ {} }}",
        "{{ viewer {{ id }} }} #{}",
        "{{ todos(first: 1{}) {{ totalCount }} }}",
    ],
)
async def test_a_document_that_is_too_long_is_refused(
    client: Client, around: str, size: int
) -> None:
    """A document that is too long is refused before it is parsed, whatever makes it long."""
    [error] = (await client.execute(around.format("1" * size)))["errors"]
    assert error["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}
    assert "A document may have at most 32,768 characters" in error["message"]
    assert "variables" in error["message"]


async def test_a_document_may_hold_a_long_text(account: Account) -> None:
    """A document may hold text as long as a description may be, with line breaks."""
    text = "line\\n" * 990
    query = f'mutation {{ todoCreate(input: {{ title: "a", description: "{text}" }}) {{ errors {{ code }} }} }}'
    assert (await account.data(query))["todoCreate"] == {"errors": []}


@pytest.mark.parametrize(
    "query",
    [
        "{{ {} }}",
        "{{ viewer {{ ... on {} {{ id }} }} }}",
        "{{ todos({}: 1) {{ totalCount }} }}",
        '{{ todos(first: "{}") {{ totalCount }} }}',
        "{{ todos(filter: {{ {}: 1 }}) {{ totalCount }} }}",
        "{{ viewer @{} {{ id }} }}",
    ],
)
async def test_messages_are_short(client: Client, query: str) -> None:
    """A value that is quoted is cut."""
    [error, *_] = (await client.execute(query.format("x" * 30_000)))["errors"]
    assert len(error["message"]) <= 1_000
    assert "…" in error["message"]


async def test_messages_about_variables_are_short(account: Account) -> None:
    """A long value of the wrong type is quoted in part."""
    query = "query ($n: Int) { todos(first: $n) { totalCount } }"
    for given in ({"n": "x" * 200_000}, {"n": [1] * 50_000}, {"n": {"x" * 200_000: 1}}):
        error = await account.error(query, **given)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert len(error["message"]) <= 1_000


Limited = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def limited(app: ASGIApp, settings: Settings, database_url: str) -> Limited:
    """Gives a client of a server with limits of its own; `app` keeps the database connected."""

    @asynccontextmanager
    async def serve(**limits: Any) -> AsyncIterator[Client]:
        async with visiting(create_app(settings.model_copy(update=limits), database_url)) as client:
            yield client

    return serve


def left(answer: httpx.Response) -> int:
    """What is left of the cost that may be used up."""
    return int(answer.headers["ratelimit"].partition('"cost";r=')[2].partition(";")[0])


@pytest.mark.parametrize(
    "body",
    [
        {"query": UNKNOWN},
        {"query": "{"},
        {"query": "{ viewer { ...F } } fragment F on User { ...F }"},
        {"query": "{ " + "a " * 2_000 + "}"},
        {"query": "{" + " " * 100_000 + "}"},
        {"query": "query A { changeCursor } query B { changeCursor }"},
        {"query": " "},
        {"query": 1},
        {"documentId": "unknown"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}},
        {"query": UNKNOWN, "variables": [1]},
        [],
    ],
)
async def test_a_document_that_fails_costs_its_sender(limited: Limited, body: Any) -> None:
    """A hundred, whatever is wrong with it, and each time."""
    async with limited(rate_limit_cost=1_000) as client:
        answers = [await client.http.post("/graphql", json=body) for _ in range(2)]
    assert [left(answer) for answer in answers] == [900, 800]


async def test_bodies_that_are_not_json_cost_as_much(limited: Limited) -> None:
    """A body that isn't JSON and an unreadable query string cost as much as a bad document."""
    json = {"content-type": "application/json"}
    async with limited(rate_limit_cost=1_000) as client:
        assert left(await client.http.post("/graphql", content=b"{", headers=json)) == 900
        assert left(await client.http.get("/graphql?query={a}&variables={")) == 800


async def test_who_sends_only_broken_documents_is_limited(limited: Limited) -> None:
    """Broken documents end in status 429; then only documents that are cached are read."""
    async with limited(rate_limit_cost=250) as client:
        answers = [await client.post(f"{{ nothing{n} }}") for n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [left(answer) for answer in answers] == [150, 50, 0, 0]
        assert int(answers[-1].headers["retry-after"]) > 0
        refused = await client.http.post("/graphql", json={"documentId": "unknown"})
        assert refused.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"


async def test_nothing_is_read_for_who_has_nothing_left(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is what is to be saved."""
    async with limited(rate_limit_cost=100) as client:
        await client.post(UNKNOWN)
        parsed = list[object]()
        monkeypatch.setattr(parsing, "parse", lambda *_, **__: parsed.append(1))
        answer = await client.post("{ changeCursor viewer { id } }")
        stream = {"accept": "text/event-stream"}
        streamed = await client.http.post("/graphql", json={"query": "{ other }"}, headers=stream)
    assert answer.status_code == 429
    assert "RATE_LIMITED" in streamed.text
    assert parsed == []


async def test_an_account_pays_for_itself(limited: Limited, account: Account) -> None:
    """Who shares its address doesn't."""
    async with limited(rate_limit_cost=1_000) as client:
        assert left(await client.post(UNKNOWN, token=account.token)) == 900
        assert left(await client.post(UNKNOWN)) == 900
        headers = {"authorization": f"Bearer {account.token}"}
        answer = await client.http.post("/graphql", json={"documentId": "x"}, headers=headers)
        assert left(answer) == 800


async def test_broken_documents_of_event_streams_cost_as_much(limited: Limited) -> None:
    """A broken document of an event stream costs once for each request."""
    stream = {"accept": "text/event-stream"}
    async with limited(rate_limit_cost=1_000) as client:
        for n in range(3):
            await client.http.post("/graphql", json={"query": f"{{ a{n} }}"}, headers=stream)
        assert left(await client.post("{ changeCursor }")) == 700


async def test_broken_documents_on_sockets_cost_as_much(
    app: ASGIApp, settings: Settings, database_url: str, account: Account
) -> None:
    """Each a hundred, until they are refused."""
    limits = settings.model_copy(update={"rate_limit_cost": 350})
    codes = []
    async with (
        listening(create_app(limits, database_url), limits) as address,
        connected(address, account.token) as socket,
    ):
        for n, query in enumerate([UNKNOWN, "{", "{ other }", "{ third }", "{ fourth }"]):
            await socket.subscribe(query, str(n))
            codes.append((await socket.next())["payload"][0]["extensions"]["code"])
    assert codes == [
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "RATE_LIMITED",
    ]


def test_broken_documents_are_not_remembered_for_long() -> None:
    """They drive out no other, and long ones aren't remembered at all."""
    read = list[str]()

    def prepare(text: str, name: str | None) -> Steps[str | list[dict[str, Any]]]:
        read.append(text)
        yield
        return [{"message": "broken"}] if text.startswith("broken") else text

    operations = OperationCache[str](prepare)
    assert run_steps(operations.prepare_in_steps(("good", None))) == "good"
    for n in range(2_000):
        run_steps(operations.prepare_in_steps((f"broken {n}", None)))
    run_steps(operations.prepare_in_steps(("broken" + "x" * MAX_KEY_LENGTH, None)))
    run_steps(operations.prepare_in_steps(("x" * MAX_KEY_LENGTH, "name")))
    assert operations.get(("good", None)) == "good"
    assert operations.get(("broken 1999", None))
    assert operations.get(("broken 0", None)) is None
    assert operations.get(("broken" + "x" * MAX_KEY_LENGTH, None)) is None
    assert operations.get(("x" * MAX_KEY_LENGTH, "name")) is None
