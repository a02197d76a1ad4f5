"""How many statements each part of an operation takes, however many objects it is asked of."""

from collections.abc import Callable
from typing import Any

import pytest
from strawberry.types.base import StrawberryObjectDefinition

from tests.conftest import Account
from todo_gql.schema import SCHEMA

# Who asks is one statement of every operation.
VIEWER = 1


# For each field with a resolver: an operation on many parents, and how many statements it takes
# beside the viewer's.
BUDGETS: dict[str, tuple[str, int]] = {
    "Change.actor": ("{ changes(first: 40) { nodes { actor { id } } } }", 2),
    "Change.todo": ("{ changes(first: 40) { nodes { todo { id } } } }", 2),
    "ChangeConnection.edges": ("{ changes(first: 40) { edges { cursor node { id } } } }", 1),
    "ChangeConnection.pageInfo": ("{ changes { pageInfo { hasNextPage hasPreviousPage } } }", 1),
    "PageInfo.endCursor": ("{ todos(first: 40) { pageInfo { endCursor } } }", 1),
    "PageInfo.hasNextPage": ("{ todos(first: 40) { pageInfo { hasNextPage } } }", 1),
    "PageInfo.hasPreviousPage": (
        '{ todos(first: 40, after: "CURSOR") { pageInfo { hasPreviousPage } } }',
        2,
    ),
    "PageInfo.startCursor": ("{ todos(first: 40) { pageInfo { startCursor } } }", 1),
    "TagConnection.edges": ("{ tags(first: 40) { edges { cursor node { todoCount } } } }", 1),
    "TagConnection.pageInfo": ("{ tags(first: 40) { pageInfo { endCursor } } }", 1),
    "TagConnection.totalCount": ("{ tags(first: 40) { totalCount } }", 2),
    "Todo.history": (
        """{ todos(first: 40) { nodes { history(first: 2) {
            edges { cursor node { action actor { id } todo { id tags { name } } } }
            pageInfo { hasNextPage hasPreviousPage }
        } } } }""",
        5,
    ),
    "Todo.owner": ("{ todos(first: 40) { nodes { owner { id stats { total overdue } } } } }", 4),
    "Todo.tags": ("{ todos(first: 40) { nodes { tags { name todoCount } } } }", 2),
    "TodoConnection.edges": ("{ todos(first: 40) { edges { cursor node { title } } } }", 1),
    "TodoConnection.pageInfo": ("{ todos(first: 40) { pageInfo { hasNextPage } } }", 1),
    "TodoConnection.totalCount": ("{ todos(first: 40) { totalCount } }", 2),
    "TodoStats.overdue": ("{ stats { total overdue } }", 2),
    "User.stats": ("{ viewer { stats { total } } }", 2),
}
# The fields of Query with nothing nested.
QUERIES: dict[str, tuple[str, int]] = {
    "changeCursor": ("{ changeCursor }", 1),
    "changes": ('{ changes(after: "CHANGE") { nodes { action } } }', 2),
    "node": ('{ node(id: "TODO") { id } }', 1),
    "nodes": ('{ nodes(ids: ["TODO", "x"]) { id ... on Todo { title } } }', 1),
    "stats": ('{ stats(filter: { search: "todo" }) { total overdue } }', 1),
    "tags": ("{ tags { nodes { name } } }", 1),
    "todo": ('{ todo(id: "TODO") { title } }', 1),
    "todos": ("{ todos(filter: { isOverdue: false }) { nodes { title } totalCount } }", 2),
    "viewer": ("{ viewer { id } }", 1),
}


def resolved_fields() -> set[str]:
    """The fields of the schema that run code, those of the root types aside."""
    names = SCHEMA.config.name_converter
    return {
        f"{names.from_type(definition)}.{names.get_graphql_name(field)}"
        for concrete in SCHEMA.schema_converter.type_map.values()
        if isinstance(definition := concrete.definition, StrawberryObjectDefinition)
        and not definition.is_interface
        and definition.name not in ("Query", "Mutation")
        for field in definition.fields
        if field.base_resolver is not None
    }


def test_every_field_with_a_resolver_has_a_budget() -> None:
    """So that a new one has to tell what it costs."""
    assert resolved_fields() == set(BUDGETS)


def test_every_query_has_a_budget() -> None:
    """The same for the fields of Query."""
    core = SCHEMA.get_type_by_name("Query")
    assert isinstance(core, StrawberryObjectDefinition)
    names = SCHEMA.config.name_converter
    assert {names.get_graphql_name(field) for field in core.fields} == set(QUERIES)


async def filled(account: Account, number: int) -> dict[str, str]:
    """What stands for the words in capitals, in an account with so many todos."""
    todos = await account.create_many(
        [{"title": f"Todo {n}", "tags": [f"t{n}", "all"]} for n in range(number)]
    )
    cursors = await account.data(
        "{ todos(first: 1) { pageInfo { endCursor } } changes(first: 1) { nodes { cursor } } }"
    )
    return {
        "CURSOR": cursors["todos"]["pageInfo"]["endCursor"],
        "CHANGE": cursors["changes"]["nodes"][0]["cursor"],
        "TODO": todos[0]["id"],
    }


ALL = {**BUDGETS, **{f"Query.{name}": case for name, case in QUERIES.items()}}


@pytest.mark.parametrize("number", [2, 40])
@pytest.mark.parametrize("name", ALL)
async def test_a_field_keeps_to_its_budget(
    account: Account, recorded: Callable[[], Any], name: str, number: int
) -> None:
    """At two parents as at forty."""
    operation, budget = ALL[name]
    for word, value in (await filled(account, number)).items():
        operation = operation.replace(word, value)
    with recorded() as statements:
        await account.data(operation)
    assert len(statements) == VIEWER + budget, statements.texts


def writes(number: int) -> dict[str, tuple[str, int]]:
    """Mutations of so many todos, and how many statements each takes, BEGIN and COMMIT too."""
    inputs = ", ".join(f'{{ title: "{n}", tags: ["all", "b{n}"] }}' for n in range(number))
    return {
        "create": ('todoCreate(input: { title: "x", tags: ["all", "new"] })', 7),
        "create without tags": ('todoCreate(input: { title: "x" })', 5),
        "update": ('todoUpdate(id: "TODO", input: { title: "x" })', 6),
        "update of tags": ('todoUpdate(id: "TODO", input: { tags: ["all", "x"] })', 10),
        "update of nothing": ('todoUpdate(id: "TODO", input: {})', 4),
        "delete": ('todoDelete(id: "TODO")', 7),
        "bulk create": (f"todoBulkCreate(inputs: [{inputs}])", 7),
        "bulk complete": ("todoBulkUpdate(ids: IDS, action: { setStatus: COMPLETED })", 6),
        "bulk tag": ('todoBulkUpdate(ids: IDS, action: { addTags: ["more"] })', 8),
        "bulk delete": ("todoBulkDelete(ids: IDS)", 7),
    }


@pytest.mark.parametrize("number", [2, 40])
@pytest.mark.parametrize("name", writes(1))
async def test_a_write_is_a_handful_of_statements(
    account: Account, recorded: Callable[[], Any], name: str, number: int
) -> None:
    """However many todos it is about."""
    todos = await account.create_many(
        [{"title": f"Todo {n}", "tags": [f"t{n}", "all"]} for n in range(number)]
    )
    mutation, budget = writes(number)[name]
    ids = ", ".join(f'"{todo["id"]}"' for todo in todos)
    mutation = mutation.replace("TODO", todos[0]["id"]).replace("IDS", f"[{ids}]")
    with recorded() as statements:
        data = await account.data(f"mutation {{ payload: {mutation} {{ errors {{ code }} }} }}")
    assert data["payload"]["errors"] == []
    assert len(statements) == VIEWER + budget, statements.texts
