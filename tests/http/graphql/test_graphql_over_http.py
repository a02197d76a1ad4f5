"""GraphQL over HTTP: what may be sent, and how it is answered."""

import asyncio
import gzip
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tortoise.connection import get_connection

from tests.support.accounts import Account, Client
from todo_gql.database.connection import acquire, transaction
from todo_gql.observability.request_record import set_caller

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
ANSWER = {
    "data": {"__typename": "Query"},
    "extensions": {"cost": {"requested": 0, "limit": 5000}},
}
CREATE = 'mutation { todoCreate(input: { title: "x" }) { todo { id } } }'


async def post(client: Client, body: Any, **headers: str) -> httpx.Response:
    """The answer to a POST; a body that isn't bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": JSON} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return await client.http.post("/graphql", content=content, headers=sent)


def codes(answer: httpx.Response) -> list[str]:
    """The codes of the errors in an answer."""
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.5", JSON),
        (f"text/html;q=1, {GRAPHQL};q=nonsense, {JSON};q=0.1", JSON),
        (f"{GRAPHQL}; charset=utf-8, text/event-stream", GRAPHQL),
    ],
)
async def test_the_answer_has_the_type_that_the_client_prefers(
    client: Client, accept: str | None, answered: str
) -> None:
    """JSON where it doesn't say."""
    client.http.headers.pop("accept")
    answer = await post(client, TYPENAME, **({} if accept is None else {"accept": accept}))
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert answer.headers["content-type"] == f"{answered}; charset=utf-8"


async def test_a_client_that_accepts_no_json_is_told(client: Client) -> None:
    """A client that accepts no JSON gets status 406."""
    answer = await post(client, TYPENAME, accept="image/png")
    assert (answer.status_code, codes(answer)) == (406, ["BAD_USER_INPUT"])


async def test_a_get_reads(client: Client) -> None:
    """A GET has the query, variables and operation name in the query string."""
    query = quote("query A { __typename } query B($a: ID!) { b: __typename node(id: $a) { id } }")
    answer = await client.http.get(f"/graphql?query={query}&operationName=A&variables=%7B%7D")
    assert answer.json() == ANSWER


@pytest.mark.parametrize(
    "query_string",
    [
        "variables={}",
        "query={__typename}&variables=[1]",
        "query={__typename}&variables={",
    ],
)
async def test_a_get_that_is_no_request_is_refused(client: Client, query_string: str) -> None:
    """A GET that is no GraphQL request gets status 400."""
    answer = await client.http.get(f"/graphql?{query_string}")
    assert (answer.status_code, codes(answer)) == (400, ["BAD_USER_INPUT"])


async def test_a_get_does_not_write(account: Account) -> None:
    """A mutation by GET is told to come by POST, and does nothing."""
    headers = {"Authorization": f"Bearer {account.token}"}
    answer = await account.http.get(f"/graphql?query={quote(CREATE)}", headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(client: Client, method: str) -> None:
    """Other methods are refused, with the methods that are allowed."""
    answer = await client.http.request(method, "/graphql", json=TYPENAME)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "application/json; charset=utf-16",
    ],
)
async def test_only_json_is_taken(client: Client, content_type: str) -> None:
    """Only JSON is accepted, so that no other site's page can post a form."""
    answer = await post(client, TYPENAME, content_type=content_type)
    assert (answer.status_code, codes(answer)) == (415, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    "content_type",
    [
        "Application/JSON",
        'application/json; charset="UTF-8"; x=y',
        "application/json;x=y;charset=utf8",
    ],
)
async def test_a_type_with_parameters_is_read(client: Client, content_type: str) -> None:
    """A media type with parameters is read in any letter case and order."""
    assert (await post(client, TYPENAME, content_type=content_type)).json() == ANSWER


async def test_a_compressed_body_is_refused(client: Client) -> None:
    """A compressed body gets status 415, and is not unpacked."""
    body = gzip.compress(json.dumps(TYPENAME).encode())
    answer = await post(client, body, content_encoding="gzip")
    assert (answer.status_code, codes(answer)) == (415, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"5",
        b'"x"',
        b"[1,2]",
        b"{}",
        b"{",
        b"\xff\xfe",
        b'{"query": 5}',
        b'{"query": "{a}", "variables": [1]}',
        b'{"query": "{a}", "variables": "x"}',
        b'{"query": "{a}", "operationName": 5}',
        b'{"query": "{a}", "extensions": []}',
        b"[" * 100_000,
        b'{"query": ' + b"9" * 5000 + b"}",
        b'{"query": "\\ud800',
        gzip.compress(b"{}"),
    ],
    ids=range(17),
)
async def test_a_body_that_is_no_request_is_refused(client: Client, body: bytes) -> None:
    """A body that is no request gets status 400 and a code, whatever it is."""
    answer = await post(client, body)
    assert (answer.status_code, codes(answer)) == (400, ["BAD_USER_INPUT"])


@pytest.mark.parametrize("size", [1, 2, 100])
async def test_a_batch_is_refused_in_each_of_its_parts(client: Client, size: int) -> None:
    """A batch is refused in each of its parts, since clients that send one read nothing else."""
    for accept, headers in ((JSON, {}), (GRAPHQL, {}), (JSON, {"authorization": "Bearer x"})):
        answer = await post(client, [TYPENAME] * size, accept=accept, **headers)
        assert answer.status_code == 400
        assert len(answer.json()) == size
        for part in answer.json():
            [error] = part["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert "request of its own" in error["message"]
        assert ("www-authenticate" in answer.headers) == bool(headers)


@pytest.mark.parametrize("body", [[], [1, 2], [TYPENAME, 1], [[TYPENAME]], [TYPENAME] * 101])
async def test_other_lists_are_refused_as_a_whole(client: Client, body: Any) -> None:
    """What is no batch, and a batch so large that an answer of as many parts would be too."""
    answer = await post(client, body)
    assert (answer.status_code, codes(answer)) == (400, ["BAD_USER_INPUT"])


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
async def test_an_empty_document_does_not_parse(client: Client, text: str) -> None:
    """An empty document is a syntax error by POST and by GET, also for an event stream."""
    for headers in ({}, {"accept": "text/event-stream"}):
        posted = await client.http.post("/graphql", json={"query": text}, headers=headers)
        got = await client.http.get(
            "/graphql", params={"query": text, "variables": ""}, headers=headers
        )
        for answer in (posted, got):
            assert (answer.status_code, codes(answer)) == (400, ["GRAPHQL_PARSE_FAILED"])


@pytest.mark.parametrize(("depth", "status"), [(29, 200), (30, 400), (900, 400)])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_json_may_be_nested_32_deep(
    account: Account, opening: str, closing: str, depth: int, status: int
) -> None:
    """The body, its variables and the input around the value are three of them."""
    value = opening * depth + "1" + closing * depth
    braces = "{" * 40
    body = (
        f'{{"query": "{{ __typename }}", "variables": {{"b": {{"c": {value}}}}}, "x": "{braces}"}}'
    )
    answer = await post(account, body.encode())
    assert (answer.status_code, "deep" in answer.text) == (status, status == 400)


async def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    """A body that is too large gets status 413, whether or not its length is announced."""
    large = {"query": "{ __typename }", "variables": {"a": "x" * 300_000}}

    async def chunks() -> Any:
        for _ in range(30):
            yield b" " * 10_000

    assert (await post(client, large)).status_code == 413
    answer = await client.http.post("/graphql", content=chunks(), headers={"content-type": JSON})
    assert (answer.status_code, codes(answer)) == (413, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ a: " * 300, "GRAPHQL_PARSE_FAILED"),
        ("{ __typename " * 1 + "a " * 2_000 + "}", "GRAPHQL_PARSE_FAILED"),
        ('{ node(id: "\\ud800") { id } }', "GRAPHQL_PARSE_FAILED"),
        ('{ node(id: "\ud800") { id } }', "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ todo(id: 5.5) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ todos(first: " + "9" * 5_000 + ") { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment A on Query { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { changes }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: ID!) { node(id: $id) { id } }", "BAD_USER_INPUT"),
    ],
)
async def test_a_document_that_cannot_be_executed_is_told(
    client: Client, query: str, code: str
) -> None:
    """An invalid document gets no data, and status 400 in the newer media type and 200 in JSON."""
    for media_type, status in ((GRAPHQL, 400), (JSON, 200)):
        answer = await post(client, {"query": query}, accept=media_type)
        assert answer.status_code == status
        assert "data" not in answer.json()
        assert set(codes(answer)) == {code}
        assert "on our side" not in answer.text


async def test_an_operation_that_the_document_lacks_is_told(client: Client) -> None:
    """An operation that the document lacks is an error, even where only one could be meant."""
    for name in ("B", "\ud800"):
        answer = await post(client, {"query": "query A { __typename }", "operationName": name})
        assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]


async def test_at_most_ten_errors_are_told(client: Client) -> None:
    """An answer reports ten errors and no more, however many there are."""
    fields = " ".join(f"field{n}" for n in range(30))
    answer = await post(client, {"query": f"{{ viewer {{ {fields} }} }}"})
    assert len(answer.json()["errors"]) == 10


async def test_a_long_document_works(client: Client) -> None:
    """A document that is too long to be cached is executed."""
    answer = await post(client, {"query": "{ __typename }" + " " * 20_000})
    assert answer.json() == ANSWER


@pytest.mark.parametrize("literal", ["9" * 5_000, "1e999", "[" * 40 + "]" * 40])
async def test_a_json_literal_that_no_one_could_keep_is_told(
    account: Account, literal: str
) -> None:
    """A JSON literal that can't be stored is an error of its field."""
    query = (
        f'mutation {{ todoCreate(input: {{ title: "x", metadata: {{ a: {literal} }} }})'
        " { errors { code path } } }"
    )
    errors = (await account.data(query))["todoCreate"]["errors"]
    assert errors == [{"code": "INVALID", "path": ["input", "metadata"]}]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("todoCreate(input: { title: $text }) { errors { code } }", "INVALID"),
        ('todoCreate(input: { title: "x", id: $text }) { errors { code } }', "INVALID"),
        ('todoUpdate(id: "x", input: { tags: [$text] }) { errors { code } }', "INVALID"),
        ('todoUpdate(id: $text, input: { title: "x" }) { errors { code } }', "NOT_FOUND"),
        ('tagRename(id: "x", name: $text) { errors { code } }', "INVALID"),
        ("tokenRefresh(refreshToken: $text) { errors { code } }", "INVALID_TOKEN"),
        (
            "login(input: { usernameOrEmail: $text, password: $text }) { errors { code } }",
            "INVALID_CREDENTIALS",
        ),
        ("node(id: $text) { id }", "null"),
        ("todos(after: $text) { totalCount }", "BAD_USER_INPUT"),
        ("todos(filter: { search: $text }) { totalCount }", "BAD_USER_INPUT"),
        ("todos(filter: { tags: { some: [$text] } }) { totalCount }", "BAD_USER_INPUT"),
        ("todos(filter: { id: { eq: $text } }) { nodes { id } }", "[]"),
        ("tags(search: $text) { totalCount }", "BAD_USER_INPUT"),
        ("changes(after: $text) { nodes { id } }", "BAD_USER_INPUT"),
    ],
)
@pytest.mark.parametrize("text", ["\0", "a\ud800"], ids=["NUL", "surrogate"])
async def test_text_that_cannot_be_stored_is_refused_everywhere(
    account: Account, field: str, told: str, text: str
) -> None:
    """Text that can't be stored is refused by the field, not by the database or the encoder."""
    kind = "mutation" if "errors" in field else "query"
    declared = "ID!" if "id: $text" in field or "eq: $text" in field else "String!"
    query = f"{kind} ($text: {declared}) {{ {field} }}"
    answer = await post(
        account,
        {"query": query, "variables": {"text": text}},
        authorization=f"Bearer {account.token}",
    )
    assert answer.status_code == 200
    assert told in answer.text
    assert "on our side" not in answer.text


@pytest.mark.parametrize("depth", [100, 200, 300, 400, 490])
async def test_a_literal_that_is_nested_deeply_is_an_error(account: Account, depth: int) -> None:
    """A literal that is nested deeply is an error of the client's, never of the server's."""
    literal = "[" * depth + "]" * depth
    answer = await account.post(
        f'mutation {{ todoCreate(input: {{ title: "x", metadata: {{ a: {literal} }} }})'
        " { errors { code } } }",
        token=account.token,
    )
    assert answer.status_code == 200
    assert "INTERNAL" not in answer.text
    assert answer.json().get("data") != {"todoCreate": {"errors": []}}


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 401)])
@pytest.mark.parametrize("token", [None, "nonsense"])
async def test_a_field_for_viewers_tells_who_is_not_signed_in(
    client: Client, accept: str, status: int, token: str | None
) -> None:
    """A field for viewers gets status 401 in the newer media type, with a challenge."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = await post(client, {"query": "{ changeCursor }"}, accept=accept, **headers)
    assert (answer.status_code, answer.json()["data"]) == (status, None)
    assert codes(answer) == ["UNAUTHENTICATED"]
    challenge = 'Bearer error="invalid_token"' if token else None
    assert answer.headers.get("www-authenticate") == challenge


REFUSED_TOKENS = {
    "nonsense": "Bearer nonsense",
    "undefined": "bearer undefined",
    "two": "Bearer a, Bearer b",
    "without Bearer": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "of another kind": "Token nonsense",
    "after a tab": "Bearer\tnonsense",
}
CHALLENGE = 'Bearer error="invalid_token"'
LOGIN = 'mutation { login(input: { usernameOrEmail: "x", password: "y" }) { errors { code } } }'


@pytest.mark.parametrize("authorization", REFUSED_TOKENS.values(), ids=REFUSED_TOKENS)
@pytest.mark.parametrize(
    "query",
    ["{ viewer { id } }", "{ __typename }", LOGIN, "{ changeCursor }", "{", "{ x }", "", None],
)
async def test_a_token_that_opens_nothing_is_told_whatever_is_asked(
    client: Client, authorization: str, query: str | None
) -> None:
    """A bad token is challenged once by POST, GET and event streams, in answers and refusals."""
    headers = {"authorization": authorization, "origin": "https://app.example"}
    for accept in (JSON, GRAPHQL, "text/event-stream"):
        asked = {**headers, "accept": accept}
        posted = await client.http.post("/graphql", json={"query": query}, headers=asked)
        got = await client.http.get("/graphql", params={"query": query or ""}, headers=asked)
        for answer in (posted, got):
            assert answer.headers.get_list("www-authenticate") == [CHALLENGE]
            exposed = answer.headers["access-control-expose-headers"].split(", ")
            assert "WWW-Authenticate" in exposed


async def test_other_refusals_tell_of_a_token_too(client: Client) -> None:
    """Refusals of methods, media types, long bodies and bad JSON challenge a bad token too."""
    headers = {"authorization": "Bearer nonsense"}
    send = client.http.request
    answers = [
        await send("PUT", "/graphql", headers=headers),
        await send("POST", "/graphql", headers=headers, content=b"{"),
        await send("POST", "/graphql", headers=headers, json={"query": "x" * 300_000}),
        await send("GET", "/graphql", headers={**headers, "accept": "image/png"}),
        await send("POST", "/graphql", headers={**headers, "content-type": "text/plain"}),
    ]
    assert [answer.status_code for answer in answers] == [405, 415, 413, 406, 415]
    assert {answer.headers.get("www-authenticate") for answer in answers} == {CHALLENGE}


async def test_a_token_that_opens_something_is_not_challenged(account: Account) -> None:
    """A good token, no token, or a proxy's own credentials are not challenged."""
    good = f"Bearer {account.token}"
    for authorization in (good, "", "Bearer", "Bearer ", "Basic eDp5", "negotiate", "NTLM x"):
        for query in ("{ viewer { id } }", "{", "", "mutation { nonsense }"):
            for accept in (JSON, "text/event-stream"):
                headers = {"authorization": authorization, "accept": accept}
                answer = await account.http.post("/graphql", json={"query": query}, headers=headers)
                assert "www-authenticate" not in answer.headers


async def test_a_token_that_ends_with_the_request_is_told(account: Account) -> None:
    """What comes after a logout in the same document is nobody's."""
    query = 'mutation { logout { ok } todoCreate(input: { title: "x" }) { errors { code } } }'
    answer = await account.post(query, token=account.token)
    assert codes(answer) == ["UNAUTHENTICATED"]
    assert answer.headers["www-authenticate"] == CHALLENGE
    answer = await account.post("{ viewer { id } }", token=account.token)
    assert answer.headers["www-authenticate"] == CHALLENGE


async def test_a_bad_token_makes_a_request_anonymous(account: Account) -> None:
    """A bad token makes a request anonymous, so that signing in works with any header."""
    answer = await account.post("{ viewer { id } __typename }", token="nonsense")
    assert answer.json()["data"] == {"viewer": None, "__typename": "Query"}


@pytest.mark.parametrize("scheme", ["Basic", "bearer", "BEARER"])
async def test_the_scheme_is_taken_in_any_letter_case(account: Account, scheme: str) -> None:
    """The scheme is accepted in any letter case, and another scheme is no token."""
    answer = await post(
        account, {"query": "{ viewer { id } }"}, authorization=f"{scheme} {account.token}"
    )
    viewer = None if scheme == "Basic" else {"id": account.id}
    assert answer.json()["data"] == {"viewer": viewer}


async def test_no_message_of_a_driver_reaches_a_client(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What we did not expect is INTERNAL and the request's id, nothing more."""

    async def broken(*_: object, **__: object) -> None:
        async with acquire() as connection:
            await connection.execute("SELECT secret FROM nowhere")

    monkeypatch.setattr("todo_gql.features.changes.queries.change_page", broken)
    answer = await account.post("{ changes { nodes { id } } }", token=account.token)
    [error] = answer.json()["errors"]
    request_id = answer.headers["x-request-id"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
    assert "nowhere" not in answer.text


async def test_a_database_that_is_away_makes_us_unavailable(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away makes the server answer 503 with a Retry-After, and recover then."""
    with monkeypatch.context() as patch:

        async def lost(*_: object, **__: object) -> None:
            raise ConnectionRefusedError("postgresql://user:secret@host/")

        patch.setattr(acquire, "__aenter__", lost)
        answer = await account.post("{ viewer { id } }", token=account.token)
    assert (answer.status_code, codes(answer)) == (503, ["UNAVAILABLE"])
    assert answer.headers["retry-after"] == "1"
    assert "secret" not in answer.text
    assert (await account.data("{ viewer { id } }"))["viewer"] == {"id": account.id}


async def test_a_terminated_backend_is_an_outage(account: Account) -> None:
    """Nothing is half done, and the same write succeeds afterwards."""
    async with acquire() as watcher, transaction() as holder:
        await holder.execute(
            "SELECT FROM users WHERE id = $1::text::uuid FOR NO KEY UPDATE", account.id
        )
        waiting = asyncio.create_task(account.post(CREATE, token=account.token))
        terminated = None
        while not terminated:
            terminated = await watcher.fetchval(
                "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        answer = await waiting
    assert (answer.status_code, codes(answer)) == (503, ["UNAVAILABLE"])
    assert (await account.data("{ todos { totalCount } }"))["todos"]["totalCount"] == 0
    assert (await account.create())["version"] == 1


async def test_who_waits_too_long_for_a_lock_is_told(account: Account) -> None:
    """Whoever waits too long for a lock gets TIMEOUT, and nothing is written."""
    async with transaction() as holder:
        await holder.execute(
            "SELECT FROM users WHERE id = $1::text::uuid FOR NO KEY UPDATE", account.id
        )
        answer = await account.post(CREATE, token=account.token)
    assert codes(answer) == ["TIMEOUT"]
    assert (await account.data("{ changes { nodes { id } } }"))["changes"]["nodes"] == []


async def test_an_operation_that_takes_too_long_is_given_up(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operation that takes too long gets TIMEOUT and no data; a mutation may have run."""
    monkeypatch.setattr("todo_gql.http.graphql.endpoint.OPERATION_SECONDS", 0.05)
    async with transaction() as holder:
        await holder.execute(
            "SELECT FROM users WHERE id = $1::text::uuid FOR NO KEY UPDATE", account.id
        )
        answer = await account.post(CREATE, token=account.token)
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "TIMEOUT", "reason": "OUTCOME_UNKNOWN"}
    assert "data" not in answer.json()


async def test_a_pool_without_a_free_connection_makes_us_unavailable(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool without a free connection makes the server unavailable once the wait is over."""
    pool = get_connection("default")._pool
    monkeypatch.setattr(pool, "acquire_timeout", 0.1)
    held = []
    for number in range(pool.get_max_size()):
        # Nobody can have all of them.
        set_caller(f"caller {number}")
        held.append(await pool.acquire())
    try:
        answer = await account.post("{ viewer { id } }", token=account.token)
    finally:
        for connection in held:
            await pool.release(connection)
    assert (answer.status_code, codes(answer)) == (503, ["UNAVAILABLE"])


async def test_only_known_origins_may_read(client: Client) -> None:
    """CORS lets only known origins read answers."""
    for origin, allowed in (
        ("https://app.example", "https://app.example"),
        ("https://evil.example", None),
    ):
        answer = await post(client, TYPENAME, origin=origin)
        assert answer.headers.get("access-control-allow-origin") == allowed


async def test_long_answers_are_compressed(account: Account) -> None:
    """Long answers are compressed for clients that accept gzip."""
    await account.create_many([{"title": "x" * 100}] * 50)
    headers = {"Authorization": f"Bearer {account.token}", "Accept-Encoding": "gzip"}
    body = {"query": "{ todos { nodes { id title } } }"}
    answer = await account.http.post("/graphql", json=body, headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["data"]["todos"]["nodes"]) == 50


async def test_a_browser_gets_a_page(client: Client) -> None:
    """A browser gets a page at the same address, and a query in the address its answer."""
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = await client.http.get("/graphql", headers=browser)
    assert page.headers["content-type"].startswith("text/html")
    answer = await client.http.get("/graphql?query={__typename}", headers=browser)
    assert answer.json() == ANSWER
