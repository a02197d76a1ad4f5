"""The list of all features, and what each of them has to declare."""

from pathlib import Path

from graphql import GraphQLInterfaceType

from tests.support.operations import SCHEMA
from todo_gql.features import registry
from todo_gql.features.registry import FEATURES

# It collects what the others declare.
COLLECTORS = {"nodes"}


def test_every_folder_of_a_feature_is_in_the_list() -> None:
    """A feature that isn't in the list is named here."""
    folders = {path.parent.name for path in Path(registry.__file__).parent.glob("*/__init__.py")}
    names = [feature.name for feature in FEATURES]
    assert sorted(names) == sorted(folders - COLLECTORS)


def test_every_node_of_the_schema_is_declared_by_one_feature() -> None:
    """A type that implements Node and that no feature declares as a node is named here."""
    graphql_node = SCHEMA.type_map["Node"]
    assert isinstance(graphql_node, GraphQLInterfaceType)
    declared = [node.type.__name__ for feature in FEATURES for node in feature.node_types]
    assert sorted(declared) == sorted(
        type_.name for type_ in SCHEMA.get_possible_types(graphql_node)
    )
