"""Completing columns: from what resolvers return to what the response holds, type by type.

https://spec.graphql.org/September2025/#sec-Value-Completion
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from graphql import (
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from todo_gql.execution.columns import ValueTypes
from todo_gql.execution.execution import Execution
from todo_gql.execution.leaf_serializers import BatchSerializer, Serializers, batch_serializer
from todo_gql.execution.leaves import leaf_completer
from todo_gql.execution.lists import list_completer
from todo_gql.execution.nulls import handle_nulls
from todo_gql.execution.objects import complete_abstract, complete_objects
from todo_gql.execution.paths import ResponsePaths
from todo_gql.execution.plan import Complete, PlannedField


def batch_serializer_for(
    return_type: GraphQLOutputType, serializers: Serializers
) -> BatchSerializer | None:
    """The batch serializer of a type's columns; None if it isn't a leaf or has none."""
    nullable = not is_non_null_type(return_type)
    inner = return_type.of_type if is_non_null_type(return_type) else return_type
    if not is_leaf_type(inner):
        return None
    return batch_serializer(inner, serializers.get(inner.name), nullable=nullable)


def completer(return_type: GraphQLOutputType, serializers: Serializers) -> Complete:
    """The function that completes columns of a type (CompleteValue)."""
    nullable = not is_non_null_type(return_type)
    inner = return_type.of_type if is_non_null_type(return_type) else return_type
    if is_leaf_type(inner):
        batch = batch_serializer(inner, serializers.get(inner.name), nullable=nullable)
        one_by_one = handle_nulls(leaf_completer(inner), nullable=nullable)

        def complete_leaves(
            execution: Execution,
            field: PlannedField,
            values: Sequence[Any],
            value_types: ValueTypes,
            paths: ResponsePaths,
        ) -> Sequence[Any]:
            completed = batch.serialize_column(values) if batch else None
            if completed is not None:
                return completed
            return one_by_one(execution, field, values, value_types, paths)

        return complete_leaves
    if is_list_type(inner):
        return handle_nulls(
            list_completer(inner.of_type, completer(inner.of_type, serializers)), nullable=nullable
        )
    if is_abstract_type(inner):
        return handle_nulls(partial(complete_abstract, inner), nullable=nullable)
    assert is_object_type(inner)
    return handle_nulls(partial(complete_objects, inner), nullable=nullable)
