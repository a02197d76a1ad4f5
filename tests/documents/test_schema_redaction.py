"""With introspection off, nothing of the schema is to be learnt by guessing."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import get_introspection_query
from starlette.types import ASGIApp

from tests.support.accounts import Account, Client, visiting
from todo_gql.app import create_app
from todo_gql.documents.schema_redaction import schema_names
from todo_gql.schema import graphql_schema
from todo_gql.settings import Settings

NAMES = schema_names(graphql_schema())
# Words that messages are made of, too.
WORDS = frozenset(
    {"field", "fields", "id", "in", "not", "and", "or", "first", "node", "name", "if", "at", "to"}
    | {"position", "offset", "type", "value"}
)
NEAR_MISSES: list[tuple[str, dict[str, Any]]] = [
    ("{ todoss { nodes { id } } }", {}),
    ("{ todo }", {}),
    ("{ todo { id } }", {}),
    ("{ viewer }", {}),
    ("{ viewer { emial } }", {}),
    ("{ viewer { id { x } } }", {}),
    ('{ todo(idd: "1") { id } }', {}),
    ("{ todo(id: 5.5) { id } }", {}),
    ("{ todos(frist: 1) { nodes { id } } }", {}),
    ('{ todos(first: "x") { nodes { id } } }', {}),
    ("{ todos(filter: { statsu: 1 }) { nodes { id } } }", {}),
    ("{ todos(filter: { status: { eq: PENDNG } }) { nodes { id } } }", {}),
    ('{ todos(filter: { status: "x" }) { nodes { id } } }', {}),
    ("{ todos(sort: [{ feild: DU }]) { nodes { id } } }", {}),
    ("{ todos(sort: [{ field: DU }]) { nodes { id } } }", {}),
    ("{ todos(sort: [{}]) { nodes { id } } }", {}),
    ("query ($x: TodoFiltr) { todos(filter: $x) { nodes { id } } }", {}),
    ("query ($x: String) { todos(filter: $x) { nodes { id } } }", {}),
    ("query ($x: Int) { todo(id: $x) { id } }", {}),
    ("query ($x: ID) { todo(id: $x) { id } }", {}),
    ("{ node(id: 1) { ... on Tod { id } } }", {}),
    ("{ node(id: 1) { ... on String { id } } }", {}),
    ("{ node(id: 1) { ... on TodoConnection { totalCount } } }", {}),
    ("{ node(id: 1) { title } }", {}),
    ("{ node(id: 1) { username } }", {}),
    ("{ viewer { id @skp(if: true) } }", {}),
    ("{ viewer { id @include(when: true) } }", {}),
    ("{ viewer { id @include } }", {}),
    ("query @include(if: true) { viewer { id } }", {}),
    ("mutation { todoCreate { errors { code } } }", {}),
    ("mutation { todoCreate(input: {}) { errors { code } } }", {}),
    ("mutation { todoCreate(input: { titel: 1 }) { errors { code } } }", {}),
    ("mutation { todoCreate(input: { title: 1, status: x }) { errors { code } } }", {}),
    ("mutation { todoCreate(input: 5) { errors { code } } }", {}),
    ("mutation { todoBulkUpdate(ids: [], action: {}) { updated } }", {}),
    ("mutation { todoBulkUpdate(ids: [], action: { a: 1, b: 2 }) { updated } }", {}),
    ("mutation { todoBulkUpdate(ids: 1, action: { addTags: null }) { updated } }", {}),
    ("subscription { todoChanged { id } }", {}),
    ("{ __type(nam: 1) { name } }", {}),
    ("mutation ($x: TodoCreateInput!) { todoCreate(input: $x) { todo { id } } }", {}),
    ("mutation ($x: TodoCreateInput!) { todoCreate(input: $x) { todo { id } } }", {"x": {}}),
    ("mutation ($x: TodoCreateInput!) { todoCreate(input: $x) { todo { id } } }", {"x": 5}),
    (
        "mutation ($x: TodoCreateInput!) { todoCreate(input: $x) { todo { id } } }",
        {"x": {"titel": "x", "status": "DNE", "dueAt": 5, "tags": [5]}},
    ),
    ("query ($x: [TodoSort!]) { todos(sort: $x) { nodes { id } } }", {"x": [{"field": "DU"}]}),
    ("query ($x: TodoFilter) { todos(filter: $x) { nodes { id } } }", {"x": {"status": {"e": 1}}}),
    ("query ($x: TodoFilter) { todos(filter: $x) { nodes { id } } }", {"x": {"dueAt": {"lt": 5}}}),
    (
        "mutation ($x: TodoBulkAction!) { todoBulkUpdate(ids: [], action: $x) { updated } }",
        {"x": {"addTags": ["a"], "removeTags": ["a"]}},
    ),
    ("{ a: viewer { id } a: stats { id } }", {}),
    ("{ viewer { ...F } } fragment F on Todo { id }", {}),
]


@pytest.fixture
async def without_introspection(
    app: ASGIApp, settings: Settings, database_url: str
) -> AsyncIterator[Client]:
    """A client of a server as it is in production."""
    production = settings.model_copy(update={"environment": "production"})
    async with visiting(create_app(production, database_url)) as client:
        yield client


@pytest.mark.parametrize(("query", "variables"), NEAR_MISSES)
async def test_a_near_miss_teaches_nothing(
    without_introspection: Client, query: str, variables: dict[str, Any]
) -> None:
    """No message holds a name of the schema that the client didn't send."""
    answer = await without_introspection.execute(query, variables)
    assert answer["errors"]
    sent = set(re.findall(r"\w+", query + json.dumps(variables)))
    for error in answer["errors"]:
        told = set(re.findall(r"\w+", error["message"]))
        quoted = set(re.findall(r"\w+", " ".join(re.findall("'[^']*'", error["message"]))))
        assert not (told & NAMES) - sent - WORDS, error
        assert not (quoted & NAMES) - sent, error
        assert "Did you mean" not in error["message"]


@pytest.mark.parametrize(
    "query", [get_introspection_query(), '{ __type(name: "Todo") { fields { name } } }']
)
async def test_introspection_is_off_in_production(
    without_introspection: Client, query: str
) -> None:
    """Introspection is off in production, and the error says so."""
    [error] = (await without_introspection.execute(query))["errors"][:1]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "introspection has been disabled" in error["message"]


async def test_a_typename_is_no_secret(without_introspection: Client) -> None:
    """Clients that cache ask for it everywhere."""
    assert (await without_introspection.execute("{ __typename }"))["data"] == {
        "__typename": "Query"
    }


async def test_introspection_can_be_switched_on(settings: Settings, database_url: str) -> None:
    """Introspection can be switched on, and then messages suggest names again."""
    changes = {"environment": "production", "introspection": True}
    async with visiting(create_app(settings.model_copy(update=changes), database_url)) as client:
        assert "data" in await client.execute("{ __schema { queryType { name } } }")
        [error] = (await client.execute("{ viewr { id } }"))["errors"]
    assert error["message"].endswith("Did you mean 'viewer'?")


async def test_what_the_client_sent_is_told_back(
    without_introspection: Client, account: Account
) -> None:
    """Messages repeat what the client sent, so that it can be mended."""
    answer = await without_introspection.execute("{ viewer { emial } }", token=account.token)
    assert answer["errors"][0]["message"] == "Cannot query field 'emial' on type '…'."
