"""What is asked for is fetched along, however a document says it."""

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias
from weakref import ref

import pytest
import strawberry
from graphql import GraphQLObjectType, Node

from tests.support.accounts import Account
from tests.support.operations import SCHEMA
from tests.support.statements import Statements
from todo_gql.features.todos.columns import DATES, PLACEMENT, READ_COLUMNS, VIEWER_TIME_ZONE
from todo_gql.operation.context import Context, Info, SelectedFields
from todo_gql.operation.lookahead import selected_fields, selected_in_operation
from todo_gql.security.rate_limits import RateLimits
from todo_gql.settings import Settings

Record: TypeAlias = Callable[[], AbstractContextManager[Statements]]

BELOW = {
    "tags": "{ id name }",
    "owner": "{ id }",
    "history": "{ nodes { action } }",
    "progress": "{ total }",
    "list": "{ id }",
    "section": "{ id }",
    "parent": "{ id }",
    "subtasks": "(first: 1) { nodes { id } }",
    "reminders": "{ id }",
    "recurrence": "{ rule }",
    "assignee": "{ id }",
    "comments": "(first: 1) { nodes { id } }",
    "attachments": "{ id }",
}

# Who asks is one statement of every operation.
VIEWER = 1

WAYS = {
    "plainly": "{ todos { nodes { title tags { name } } totalCount } }",
    "by edges": "{ todos { edges { node { title tags { name } } } totalCount } }",
    "under other names": "{ list: todos { all: nodes { labels: tags { name } } size: totalCount } }",
    "in a fragment": (
        "{ todos { ...Page } } fragment Page on TodoConnection { nodes { ...Parts } totalCount }"
        " fragment Parts on Todo { title tags { name } }"
    ),
    "in an inline fragment": (
        "{ todos { ... on TodoConnection { nodes { ... { tags { name } } } totalCount } } }"
    ),
    "in two fields that are one": ("{ todos { totalCount } todos { nodes { tags { name } } } }"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_page_with_all_that_belongs_to_it_is_one_statement(
    account: Account, recorded: Record, way: str
) -> None:
    """Tags and total come with the todos."""
    await account.create_many([{"title": f"{n}", "tags": ["b", "a"]} for n in range(3)])
    with recorded() as statements:
        text = str(await account.data(WAYS[way]))
    assert len(statements) == VIEWER + 1
    assert text.count("'name': 'a'}, {'name': 'b'}") == 3


async def test_fragments_of_one_name_in_two_documents_stay_apart(account: Account) -> None:
    """What one asks for says nothing of the other."""
    await account.create(tags=["home"])
    for fields in ("title", "title tags { name todoCount }", "id"):
        document = f"{{ todos {{ nodes {{ ...Parts }} }} }} fragment Parts on Todo {{ {fields} }}"
        [node] = (await account.data(document))["todos"]["nodes"]
        if "tags" in node:
            assert node["tags"] == [{"name": "home", "todoCount": 1}]


async def test_what_a_variable_leaves_out_does_no_harm(account: Account) -> None:
    """A field that is asked for only sometimes is there when it is."""
    await account.create(tags=["home"])
    document = """query ($tags: Boolean!) {
      todos { nodes { title tags @include(if: $tags) { name } } totalCount @skip(if: $tags) }
    }"""
    for wanted in (True, False):
        page = (await account.data(document, tags=wanted))["todos"]
        assert ("tags" in page["nodes"][0], "totalCount" in page) == (wanted, not wanted)


async def test_an_empty_page_has_a_total(account: Account) -> None:
    """An empty page has a total, though no row brings it along."""
    assert (await account.data(WAYS["plainly"]))["todos"] == {"nodes": [], "totalCount": 0}


@pytest.mark.parametrize(
    "rest",
    [
        "more: todos { nodes { tags { id name todoCount } } }",
        "more: todos { nodes { ...Whole } }",
        "more: todos { nodes { tags { ... { id ...Counted } } } }",
        "viewer { username } more: todos(last: 1) { edges { node { tags { todoCount } } } }",
    ],
)
async def test_what_one_field_asks_of_tags_is_there_in_spite_of_another(
    account: Account, rest: str
) -> None:
    """A field that needs the tags' names alone takes nothing from one that needs all of them."""
    await account.create(tags=["home"])
    names = "todos { nodes { tags { name } } }"
    fragments = (
        "fragment Whole on Todo { tags { id ...Counted } } fragment Counted on Tag { todoCount }"
    )
    used = fragments if "..." in rest else ""
    if "Whole" not in rest:
        used = used.replace("fragment Whole on Todo { tags { id ...Counted } } ", "")
    for document in (f"{{ {names} {rest} }} {used}", f"{{ {rest} {names} }} {used}"):
        data = await account.data(document)
        assert data["todos"]["nodes"] == [{"tags": [{"name": "home"}]}]
        assert "'todoCount': 1" in str(data["more"])


def test_a_document_is_freed_after_its_selected_fields_were_looked_up(settings: Settings) -> None:
    """What was found is stored with the operation, and keeps none of the document's nodes."""
    seen: list[ref[Node]] = []

    @strawberry.type
    class Query:
        @strawberry.field
        def fields(self, info: Info) -> list[str]:
            raw = info._raw_info
            seen.extend([ref(raw.operation), ref(raw.field_nodes[0])])
            return [*selected_in_operation(info), *selected_fields(info)]

    found: SelectedFields = {}
    context = Context(settings, RateLimits(settings), None, selected_fields=found)
    answer = strawberry.Schema(Query).execute_sync("{ fields }", context_value=context)
    assert answer.data == {"fields": ["fields"]}
    assert set(found.values()) == {frozenset({"fields"}), frozenset()}
    gc.collect()
    assert [node() for node in seen] == [None, None]


PLACEMENT_COLUMNS = {f"t.{name}" for name in PLACEMENT.columns}
DATE_COLUMNS = {*(f"t.{name}" for name in DATES.columns), VIEWER_TIME_ZONE}
TODO = SCHEMA.type_map["Todo"]
assert isinstance(TODO, GraphQLObjectType)
# Each field of a todo as a selection.
FIELDS = {name: f"{name} {BELOW.get(name, '')}" for name in TODO.fields}

# Ways to a todo, and where it then is; the last asks nothing of its own about it.
PATHS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "by its id": (
        "query ($id: ID!) { todo(id: $id) { FIELDS } }",
        lambda data: data["todo"],
    ),
    "in a sorted list": (
        "{ todos(sort: [{ field: DUE_AT }]) { nodes { FIELDS } pageInfo { endCursor } } }",
        lambda data: data["todos"]["nodes"][0],
    ),
    "by edges": (
        "{ todos { edges { cursor node { FIELDS } } } }",
        lambda data: data["todos"]["edges"][0]["node"],
    ),
    "beside another": (
        "query ($id: ID!) { todo(id: $id) { id } changes(first: 1) { nodes { todo { FIELDS } } } }",
        lambda data: data["changes"]["nodes"][0]["todo"],
    ),
}


@pytest.mark.parametrize("path", PATHS)
async def test_a_field_alone_is_what_it_is_among_all(account: Account, path: str) -> None:
    """What isn't selected isn't read, and nothing that is selected needs it."""
    made = await account.create(
        description="Two litres",
        dueAt="2020-01-01T00:00:00Z",
        estimatedMinutes=5,
        metadata={"shop": "corner"},
        tags=["home"],
    )
    document, todo_in = PATHS[path]
    variables = {"id": made["id"]} if "$id" in document else {}

    async def shown(fields: str) -> dict[str, Any]:
        data = await account.data(document.replace("FIELDS", fields), **variables)
        return dict(todo_in(data))

    everything = await shown(" ".join(FIELDS.values()))
    for name, field in FIELDS.items():
        assert await shown(field) == {name: everything[name]}


@pytest.mark.parametrize(
    ("selected", "omitted"),
    [
        ("title isOverdue", {"t.description", "t.metadata", *PLACEMENT_COLUMNS}),
        ("dueDate", {"t.description", "t.metadata", *PLACEMENT_COLUMNS}),
        ("version", {"t.description", "t.metadata", *PLACEMENT_COLUMNS, *DATE_COLUMNS}),
        ("title description", {"t.metadata", *PLACEMENT_COLUMNS, *DATE_COLUMNS}),
        ("metadata createdAt", {"t.description", *PLACEMENT_COLUMNS, *DATE_COLUMNS}),
        ("description metadata", PLACEMENT_COLUMNS | DATE_COLUMNS),
        ("title position", {"t.description", "t.metadata", *DATE_COLUMNS}),
        ("position description metadata", DATE_COLUMNS),
        ("position description metadata recurrence { rule }", set[str]()),
    ],
)
async def test_grouped_columns_are_read_only_where_they_are_selected(
    account: Account, recorded: Record, selected: str, omitted: set[str]
) -> None:
    """Descriptions, metadata, days and the place of a todo are read if selected, other columns always."""
    await account.create(description="Two litres", metadata={"shop": "corner"})
    with recorded() as statements:
        data = await account.data(f"{{ todos {{ nodes {{ {selected} }} }} }}")
    columns, _ = statements.texts[-1].split(" FROM todos")
    expected = [column for column in READ_COLUMNS if column not in omitted]
    assert columns.removeprefix("SELECT ").split(", ") == expected
    [node] = data["todos"]["nodes"]
    assert node.get("description", "Two litres") == "Two litres"
    assert node.get("metadata", {"shop": "corner"}) == {"shop": "corner"}
