"""The list of all features, and what each of them has to declare."""

from collections.abc import Iterator
from importlib import import_module
from inspect import getmembers, isclass, isfunction
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pytest
from graphql import GraphQLInterfaceType
from tortoise.models import Model

from tests.support.operations import SCHEMA
from todo_gql import features
from todo_gql.api.node import Node
from todo_gql.database import models
from todo_gql.features import registry
from todo_gql.features.registry import FEATURES, LARGE_TABLES, TABLES
from todo_gql.features.todos.loaders import todos_by_id
from todo_gql.jobs.worker import WorkerTasks
from todo_gql.schema import Mutation, Query, Subscription

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


def test_every_model_is_declared_by_one_feature() -> None:
    """A model whose table no feature declares is named here."""
    own = [
        name
        for name, model in getmembers(models, isclass)
        if issubclass(model, Model) and model.__module__.startswith(models.__name__)
    ]
    assert sorted(table.model.__name__ for table in TABLES) == sorted(own)


def test_every_table_with_owners_says_so() -> None:
    """A table with the column owner_id is among those that other users' tests look at."""
    for table in TABLES:
        columns = models.column_types(table.model)
        assert (table.name, "owner_id" in columns) == (table.name, table.owner == "owner_id")
        assert table.owner is None or table.owner in columns


def test_tags_of_todos_are_deleted_before_the_todos() -> None:
    """Deleting an account deletes the rows of a large table before those that they refer to."""
    assert LARGE_TABLES.index("todo_tags") < LARGE_TABLES.index("todos")


def modules() -> Iterator[ModuleType]:
    """All modules of all features."""
    for module in walk_packages(features.__path__, f"{features.__name__}."):
        yield import_module(module.name)


def test_every_batch_function_is_declared() -> None:
    """A batch function that its feature doesn't declare is named here."""
    # All that the decorator returns have the same code.
    decorated = {
        function
        for module in modules()
        for _, function in getmembers(module, isfunction)
        if function.__code__ is todos_by_id.__code__
    }
    declared = [load for feature in FEATURES for load in feature.loaders]
    assert sorted(load.__name__ for load in declared) == sorted(f.__name__ for f in decorated)


def test_every_root_field_is_in_the_schema() -> None:
    """A class with fields of the roots that isn't part of the schema is named here."""
    roots = {"Query": Query, "Mutation": Mutation, "Subscription": Subscription}
    missing = [
        (name, root)
        for module in modules()
        for name, class_ in getmembers(module, isclass)
        for root, type_ in roots.items()
        if class_.__module__ == module.__name__ and name.endswith(root)
        # A push subscription is a thing, and no field of a root.
        if not issubclass(class_, Node)
        if not issubclass(type_, class_)
    ]
    assert missing == []


async def _nothing(_job: object) -> None:
    """Handle no job."""


def test_two_handlers_for_one_kind_of_job_are_refused() -> None:
    """Two features that handle jobs of one kind are a mistake that starts no worker."""
    parts = [WorkerTasks(handlers={"send_mail": _nothing})] * 2
    with pytest.raises(ValueError, match="send_mail"):
        WorkerTasks.merged(parts)
