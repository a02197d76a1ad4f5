"""What is asked for is fetched along, however a document says it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

import pytest

from tests.conftest import Account, Statements

Record: TypeAlias = Callable[[], AbstractContextManager[Statements]]

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
    """Though no row brings it along."""
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
