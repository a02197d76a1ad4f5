"""The served schema: what it promises to clients, and how it is written down."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    lexicographic_sort_schema,
    print_schema,
)
from graphql.utilities import (
    DangerousChangeType,
    find_breaking_changes,
    find_dangerous_changes,
)

from tests.support.accounts import Client
from todo_gql.schema import graphql_schema, schema_text

CONTRACT = Path(__file__).parent / "contract.graphql"

# Nothing in these needs words: they are GraphQL's own.
GRAPHQLS_OWN = {"Boolean", "Float", "ID", "Int", "String"}


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    """The least that the schema offers."""
    return build_schema(CONTRACT.read_text(encoding="utf-8"))


def test_the_schema_file_is_what_the_code_says(project: Path) -> None:
    """schema.graphql is the served schema, to the letter."""
    assert (project / "schema.graphql").read_text(encoding="utf-8") == schema_text()


def test_the_contract_is_kept(contract: GraphQLSchema) -> None:
    """A client written for the contract finds all of it."""
    assert find_breaking_changes(contract, graphql_schema()) == []


def test_nothing_is_dangerous_to_a_client_of_the_contract(contract: GraphQLSchema) -> None:
    """Defaults are as agreed, and enums and unions hold nothing that a client can't know."""
    dangerous = find_dangerous_changes(contract, graphql_schema())
    # Who doesn't know of an argument that may be left out leaves it out.
    known = DangerousChangeType.OPTIONAL_ARG_ADDED
    unknown = [change.description for change in dangerous if change.type is not known]
    assert not unknown, f"add what is meant to stay to {CONTRACT.name}: {unknown}"


def elements() -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument, input field and enum value, and its description."""
    for name, kind in graphql_schema().type_map.items():
        if name.startswith("__") or name in GRAPHQLS_OWN:
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name})", argument.description
        elif isinstance(kind, GraphQLInputObjectType):
            for field_name, input_field in kind.fields.items():
                yield f"{name}.{field_name}", input_field.description
        elif isinstance(kind, GraphQLEnumType):
            for value_name, value in kind.values.items():
                yield f"{name}.{value_name}", value.description


def test_everything_has_a_description() -> None:
    """Types, fields, arguments, input fields and enum values are explained to clients."""
    assert [name for name, description in elements() if not (description or "").strip()] == []


def test_nothing_defaults_to_null() -> None:
    """What may be left out has no default, so that absent and null can be told apart."""
    assert "= null" not in schema_text()


def in_order(schema: GraphQLSchema) -> str:
    """The schema's text, whatever the order of its definitions."""
    return print_schema(lexicographic_sort_schema(schema))


async def test_introspection_gives_the_schema(client: Client) -> None:
    """Tools that ask the server learn what schema.graphql says."""
    query = get_introspection_query(
        specified_by_url=True, input_value_deprecation=True, schema_description=True, one_of=True
    )
    answer = await client.execute(query)
    assert "errors" not in answer
    assert in_order(build_client_schema(answer["data"])) == in_order(build_schema(schema_text()))
