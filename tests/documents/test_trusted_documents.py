"""Documents that are asked for by their ids."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, visiting
from tests.support.processes import CommandLine, clean_environment, command_line
from tests.support.subscribers import connected, listening
from todo_gql.app import create_app
from todo_gql.settings import Settings

VIEWER = "query Viewer { viewer { id } }"
NAME = "query Name { __typename }"
HASH = sha256(VIEWER.encode()).hexdigest()
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [{"id": HASH, "name": "Viewer", "type": "query", "body": VIEWER}],
}


WITH_PREFIX = APOLLO | {
    "operations": [{"id": f"sha256:{HASH}", "name": "Viewer", "type": "query", "body": VIEWER}]
}


def by_hash(hashed: Any) -> dict[str, Any]:
    """The parameters of Apollo and urql for a persisted document."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed}}}


@dataclass
class Site(Client):
    """Somebody who asks a server with a manifest, and its application."""

    application: ASGIApp


Trusting = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def trusting(app: ASGIApp, settings: Settings, database_url: str, tmp_path: Path) -> Trusting:
    """Gives a client of a server with a manifest."""

    @asynccontextmanager
    async def serve(manifest: dict[str, Any], *, only: bool = False) -> AsyncIterator[Site]:
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps(manifest))
        changes = {"trusted_documents": path, "trusted_documents_only": only}
        application = create_app(settings.model_copy(update=changes), database_url)
        async with visiting(application) as client:
            yield Site(client.http, application)

    return serve


async def ask(client: Client, token: str | None = None, **parameters: Any) -> httpx.Response:
    """The answer to a request of these parameters."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await client.http.post("/graphql", json=parameters, headers=headers)


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    """The status, the code and the message of a request that is refused."""
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"], error["message"]


MD5 = md5(VIEWER.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("manifest", "parameters"),
    [
        ({HASH: VIEWER}, {"documentId": HASH}),
        ({HASH: VIEWER}, {"documentId": f"sha256:{HASH}"}),
        ({f"sha256:{HASH}": VIEWER}, {"documentId": f"sha256:{HASH}"}),
        ({f"sha256:{HASH}": VIEWER}, {"documentId": HASH}),
        ({f"sha256:{HASH}": VIEWER}, by_hash(HASH)),
        ({HASH: VIEWER}, by_hash(f"sha256:{HASH}")),
        (WITH_PREFIX, by_hash(HASH)),
        (WITH_PREFIX, {"id": HASH}),
        ({HASH: VIEWER}, {"documentId": HASH, "query": ""}),
        ({HASH: VIEWER}, by_hash(HASH) | {"query": VIEWER}),
        ({MD5: VIEWER}, {"doc_id": MD5}),
        ({MD5: VIEWER}, {"id": MD5, "variables": {}}),
        (APOLLO, {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}}),
        (APOLLO, {"operationName": "Viewer", "documentId": HASH}),
    ],
    ids=str,
)
@pytest.mark.parametrize("only", [False, True])
async def test_a_document_is_had_by_its_id(
    trusting: Trusting,
    account: Account,
    manifest: dict[str, Any],
    parameters: dict[str, Any],
    only: bool,
) -> None:
    """A document is found by its id in the manifests of graphql-codegen, Relay and Apollo."""
    async with trusting(manifest, only=only) as client:
        answer = await ask(client, account.token, **parameters)
    assert answer.json()["data"] == {"viewer": {"id": account.id}}


# One operation, as print(), urql, Apollo's generate-persisted-query-manifest, graphql-codegen's
# client preset and relay-compiler write it: no two write the same text, so no two have one hash.
PRINTED = [
    "query Me {\n  viewer {\n    ...Name\n  }\n}\n\nfragment Name on User {\n  username\n  id\n}",
    "query Me {\n  viewer {\n    ...Name\n  }\n}\nfragment Name on User {\n  username\n  id\n}",
    (
        "query Me {\n  viewer {\n    ...Name\n    __typename\n  }\n}\n\nfragment Name on User {\n"
        "  username\n  id\n  __typename\n}"
    ),
    "fragment Name on User { id username } query Me { viewer { ...Name } }",
    "query Me {\n  viewer {\n    ...Name\n    id\n  }\n}\n\nfragment Name on User {\n  username\n  id\n}\n",
]


async def test_an_operation_has_an_id_for_each_tool_that_printed_it(
    trusting: Trusting, account: Account
) -> None:
    """Side by side in one manifest; each answers with its fields in the order of its own text."""
    texts = {sha256(text.encode()).hexdigest(): text for text in PRINTED}
    assert len(texts) == len(PRINTED)
    orders = []
    async with trusting(texts, only=True) as client:
        for id_ in texts:
            answer = await ask(client, account.token, documentId=id_)
            assert answer.json()["data"]["viewer"]["id"] == account.id
            orders.append([name for name in answer.json()["data"]["viewer"] if name[0] != "_"])
    assert orders == [["username", "id"]] * 3 + [["id", "username"], ["username", "id"]]


async def test_a_document_is_had_by_get(trusting: Trusting) -> None:
    """A document is found by GET so that it can be cached, with and without the hash's version."""
    hashed = by_hash("sha256:name")["extensions"]
    asked = [
        {"documentId": "name"},
        {"documentId": "sha256:name"},
        {"extensions": json.dumps(hashed), "query": ""},
    ]
    for manifest in ({"name": NAME}, {"sha256:name": NAME}):
        async with trusting(manifest, only=True) as client:
            for params in asked:
                answer = await client.http.get("/graphql", params=params)
                assert answer.json()["data"] == {"__typename": "Query"}


async def test_other_documents_are_executed_too(trusting: Trusting) -> None:
    """Other documents are executed too by default, also with an id that isn't known."""
    unknown = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    async with trusting({HASH: VIEWER}) as client:
        for extensions in (None, unknown):
            answer = await ask(client, query=NAME, extensions=extensions)
            assert answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "parameters",
    [
        *({"query": NAME}, {"query": VIEWER}, {}, {"variables": {}}, {"query": ""}),
        *({"documentId": 5, "query": NAME}, {"documentId": "unknown", "query": NAME}),
        *(by_hash("0" * 64) | {"query": NAME}, by_hash("sha256:0") | {"query": "{"}),
        *({"doc_id": "0", "query": VIEWER}, {"id": "", "query": NAME}),
    ],
)
async def test_nothing_else_is_executed_where_only_trusted_documents_are(
    trusting: Trusting, parameters: dict[str, Any]
) -> None:
    """Only trusted documents are executed where that is set, and their text alone is refused."""
    async with trusting({HASH: VIEWER}, only=True) as client:
        status, code, message = refused(await ask(client, **parameters))
    assert (status, code) == (403, "FORBIDDEN")
    assert "send the id of one" in message


@pytest.mark.parametrize("only", [False, True])
async def test_an_unknown_id_is_told(trusting: Trusting, only: bool) -> None:
    """An unknown id is reported in the words that make Apollo Client and urql send the document."""
    async with trusting({HASH: VIEWER}, only=only) as client:
        answer = await ask(client, **by_hash("0" * 64))
        assert refused(answer) == (400, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        answer = await ask(client, documentId="0")
        assert refused(answer)[1:] == (
            "PERSISTED_QUERY_NOT_FOUND",
            "This server has no document with this id: send the document itself as query.",
        )


async def test_a_server_without_documents_says_so(client: Client) -> None:
    """A server without documents says so, so that Apollo Client and urql stop sending hashes."""
    answer = await ask(client, **by_hash(HASH))
    assert refused(answer) == (400, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    assert "as query" in refused(await ask(client, documentId=HASH))[2]
    answer = await ask(client, query=NAME, **by_hash(HASH))
    assert answer.json()["data"] == {"__typename": "Query"}


BAD_IDS: list[tuple[bool, dict[str, Any], str]] = [
    (False, {"documentId": "0"}, "PERSISTED_QUERY_NOT_FOUND"),
    (False, by_hash("0"), "PERSISTED_QUERY_NOT_FOUND"),
    (False, by_hash("0") | {"query": ""}, "PERSISTED_QUERY_NOT_FOUND"),
    (True, by_hash("sha256:0"), "PERSISTED_QUERY_NOT_FOUND"),
    (True, by_hash("0") | {"query": VIEWER}, "FORBIDDEN"),
    (True, {"query": VIEWER}, "FORBIDDEN"),
    (True, {"query": ""}, "FORBIDDEN"),
]


@pytest.mark.parametrize(("only", "payload", "code"), BAD_IDS, ids=str)
async def test_all_transports_say_the_same_of_a_document(
    trusting: Trusting,
    account: Account,
    settings: Settings,
    only: bool,
    payload: dict[str, Any],
    code: str,
) -> None:
    """A WebSocket reports an unknown document as an operation's error, and others go on."""
    async with trusting({HASH: VIEWER}, only=only) as client:
        answer = await ask(client, **payload)
        streamed = await client.http.post(
            "/graphql", json=payload, headers={"accept": "text/event-stream"}
        )
        assert answer.json() == streamed.json()
        assert refused(answer)[1] == code
        async with (
            listening(client.application, settings) as address,
            connected(address, account.token) as one,
        ):
            await one.send(id="1", type="subscribe", payload=payload)
            told = await one.next()
            assert told == {"id": "1", "type": "error", "payload": answer.json()["errors"]}
            await one.send(id="1", type="subscribe", payload={"documentId": f"sha256:{HASH}"})
            assert (await one.next())["payload"]["data"] == {"viewer": {"id": account.id}}


@pytest.mark.parametrize("hashed", [5, None, ["x"]])
async def test_an_id_of_another_kind_is_none(client: Client, hashed: Any) -> None:
    """The request is read as if it weren't there."""
    for extensions in ({"persistedQuery": {"sha256Hash": hashed}}, {"persistedQuery": hashed}):
        status, code, _ = refused(await ask(client, extensions=extensions))
        assert (status, code) == (400, "BAD_USER_INPUT")


@pytest.fixture(scope="module")
def typing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Command lines in a folder."""
    folder = tmp_path_factory.mktemp("documents")
    with command_line(folder, clean_environment()) as typing:
        yield typing.having(DATA_DIR=str(folder / "data"), PORT="0")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "can't be read: No such file or directory"),
        ("{", "isn't JSON"),
        ("[]", "must hold an object"),
        ('{"a": 5}', "each document must have an id and be a text"),
        ('{"abc": "{ nonsense"}', "the document abc has a Syntax Error"),
        (
            '{"format": "apollo-persisted-query-manifest", "operations": 5}',
            "operations must be a list",
        ),
        ('{"a": "{ a }", "sha256:a": "{ b }"}', "the id a stands for two documents"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told_at_the_start(
    typing: CommandLine, tmp_path: Path, content: str | None, told: str
) -> None:
    """A manifest that can't be used is reported at the start, before anything is served."""
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    answer = typing("serve", TRUSTED_DOCUMENTS=str(path))
    assert (answer.status, answer.said) == (1, "")
    assert answer.complained.startswith(f"TRUSTED_DOCUMENTS can't be used: {path}")
    assert told in answer.complained


def test_trusting_nothing_is_a_mistake() -> None:
    """TRUSTED_DOCUMENTS_ONLY alone would refuse everything."""
    with pytest.raises(ValidationError, match="needs TRUSTED_DOCUMENTS"):
        Settings(_env_file=None, trusted_documents_only=True)
