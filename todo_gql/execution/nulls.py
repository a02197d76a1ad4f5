"""Handling nulls and errors in columns, so that only other values have to be completed."""

from collections.abc import Sequence
from typing import Any

from graphql import Undefined

from todo_gql.execution.columns import Column, ValueTypes, has_nulls_or_errors, types_of
from todo_gql.execution.execution import Execution
from todo_gql.execution.paths import ResponsePaths, SubsetPaths
from todo_gql.execution.plan import Complete, PlannedField


def handle_nulls(complete: Complete, *, nullable: bool) -> Complete:
    """A completer that handles nulls and exceptions, and passes all other values to `complete`."""

    def complete_values(
        execution: Execution,
        field: PlannedField,
        values: Sequence[Any],
        value_types: ValueTypes,
        paths: ResponsePaths,
    ) -> Sequence[Any]:
        if not has_nulls_or_errors(value_types):
            return complete(execution, field, values, value_types, paths)
        indexes = []
        for index, value in enumerate(values):
            if isinstance(value, Exception):
                execution.fail(value, field, paths, index)
            elif value is not None and value is not Undefined:
                indexes.append(index)
            elif not nullable:
                execution.fail(_null_error(field), field, paths, index)
        return complete_subset(complete, execution, field, values, paths, indexes)

    return complete_values


def _null_error(field: PlannedField) -> TypeError:
    name = f"{field.parent_type}.{field.field_name}"
    return TypeError(f"Cannot return null for non-nullable field {name}.")


def complete_subset(
    complete: Complete,
    execution: Execution,
    field: PlannedField,
    values: Sequence[Any],
    paths: ResponsePaths,
    indexes: list[int],
    **options: Any,
) -> Column:
    """The column with the values at `indexes` completed, and null in all others."""
    completed: Column = [None] * len(values)
    if not indexes:
        return completed
    subset = [values[index] for index in indexes]
    subset_paths = SubsetPaths(paths, indexes)
    done = complete(execution, field, subset, types_of(subset), subset_paths, **options)
    for index, value in zip(indexes, done, strict=True):
        completed[index] = value
    return completed
