"""gql, which checks every operation against the schema that it fetches, on the running server."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport

OPERATIONS = Path(__file__).with_name("operations.graphql").read_text()


def request(name: str, **variables: Any) -> GraphQLRequest:
    """One of the operations, with its variables."""
    return GraphQLRequest(OPERATIONS, variable_values=variables, operation_name=name)


def connected(url: str, token: str | None = None) -> Client:
    """A client with a token; without one it asks signed out."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = HTTPXAsyncTransport(url=url, headers=headers)
    return Client(transport=transport, fetch_schema_from_transport=True)


@pytest.fixture
async def tokens(url: str, newcomer: Callable[[], dict[str, str]]) -> dict[str, str]:
    """The tokens of somebody new."""
    async with connected(url) as session:
        answer = (await session.execute(request("Register", input=newcomer())))["register"]
    assert answer["errors"] == []
    return dict(answer["tokens"])


@pytest.fixture
async def session(url: str, tokens: dict[str, str]) -> AsyncIterator[AsyncClientSession]:
    """Somebody new, signed in."""
    async with connected(url, tokens["accessToken"]) as session:
        yield session


async def create(session: AsyncClientSession, **values: Any) -> dict[str, Any]:
    """The payload of a todo made with an id of ours unless one is given."""
    sent = {"id": str(uuid4()), "title": "Todo"} | values
    return dict((await session.execute(request("CreateTodo", input=sent)))["todoCreate"])


async def update(session: AsyncClientSession, id: str, **sent: Any) -> dict[str, Any]:
    """The payload of an update; `expected_version` is no value of the todo."""
    version = sent.pop("expected_version", None)
    asked = request("UpdateTodo", id=id, input=sent, expectedVersion=version)
    return dict((await session.execute(asked))["todoUpdate"])


async def test_the_same_create_again_is_told(session: AsyncClientSession) -> None:
    """The same create sent again is ALREADY_EXISTS, with what is stored."""
    id = (await create(session))["todo"]["id"]
    [error] = (await create(session, id=id))["errors"]
    assert (error["code"], error["current"]["id"]) == ("ALREADY_EXISTS", id)


async def test_what_is_wrong_is_data(session: AsyncClientSession) -> None:
    """A mistake in the input is data with a code and the path."""
    payload = await create(session, title="")
    [error] = payload["errors"]
    assert (payload["todo"], error["code"]) == (None, "TOO_SHORT")
    assert error["path"] == ["input", "title"]


async def test_an_update_leaves_what_is_absent_and_clears_what_is_null(
    session: AsyncClientSession,
) -> None:
    """An update leaves what is absent and clears what is null, so unset fields aren't sent."""
    id = (await create(session, description="Kept"))["todo"]["id"]
    renamed = (await update(session, id, title="New"))["todo"]
    assert (renamed["title"], renamed["description"]) == ("New", "Kept")
    cleared = (await update(session, id, description=None))["todo"]
    assert (cleared["title"], cleared["description"]) == ("New", None)


async def test_an_update_of_an_old_version_is_a_conflict(session: AsyncClientSession) -> None:
    """An update of an old version is a conflict, with what is stored now."""
    id = (await create(session))["todo"]["id"]
    await update(session, id, title="New", expected_version=1)
    [error] = (await update(session, id, title="Late", expected_version=1))["errors"]
    assert (error["code"], error["current"]["version"]) == ("CONFLICT", 2)


async def test_a_list_is_read_in_pages_both_ways(session: AsyncClientSession) -> None:
    """A list is read in pages both ways, each todo once, newest first."""
    ids = [(await create(session))["todo"]["id"] for _ in range(5)]
    found: dict[str, list[str]] = {"first": [], "last": []}
    for size, cursor, more, place in (
        ("first", "after", "hasNextPage", "endCursor"),
        ("last", "before", "hasPreviousPage", "startCursor"),
    ):
        here: dict[str, str] = {}
        while True:
            page = (await session.execute(request("Todos", **{size: 2}, **here)))["todos"]
            titles = [node["id"] for node in page["nodes"]]
            found[size] = found[size] + titles if size == "first" else titles + found[size]
            if not page["pageInfo"][more]:
                break
            here = {cursor: page["pageInfo"][place]}
    assert found == {"first": ids[::-1], "last": ids[::-1]}


async def test_a_bulk_action_skips_what_fails(session: AsyncClientSession) -> None:
    """A bulk action skips what fails and does the rest."""
    ids = [(await create(session))["todo"]["id"], str(uuid4())]
    payload = (await session.execute(request("CompleteTodos", ids=ids)))["todoBulkUpdate"]
    assert payload["updated"] == 1
    done, failed = payload["results"]
    assert done["todo"]["status"] == "COMPLETED"
    assert [error["code"] for error in failed["errors"]] == ["NOT_FOUND"]


async def test_tokens_are_traded(url: str, tokens: dict[str, str]) -> None:
    """Tokens are refreshed, and whoever has none gets an error with a code."""
    async with connected(url) as nobody:
        asked = request("Refresh", refreshToken=tokens["refreshToken"])
        traded = (await nobody.execute(asked))["tokenRefresh"]["tokens"]
        with pytest.raises(TransportQueryError) as raised:
            await nobody.execute(request("Todos"))
    assert raised.value.errors
    assert raised.value.errors[0]["extensions"]["code"] == "UNAUTHENTICATED"
    async with connected(url, traded["accessToken"]) as session:
        assert (await session.execute(request("Todos")))["todos"]["totalCount"] == 0
