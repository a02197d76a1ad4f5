"""Completing scalars and enums whose values have to be serialized one by one."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLLeafType, Undefined
from graphql.pyutils import inspect

from todo_gql.execution.columns import Column, ValueTypes, has_nulls_or_errors, mapped, types_of
from todo_gql.execution.execution import Execution
from todo_gql.execution.paths import ResponsePaths
from todo_gql.execution.plan import Complete, PlannedField


def leaf_completer(leaf: GraphQLLeafType) -> Complete:
    """The function that completes columns of a scalar or an enum."""
    coerce = leaf.coerce_output_value

    def complete(
        execution: Execution,
        field: PlannedField,
        values: Sequence[Any],
        _value_types: ValueTypes,
        paths: ResponsePaths,
    ) -> Column:
        completed = mapped(coerce, values)
        if has_nulls_or_errors(types_of(completed)):
            for index, result in enumerate(completed):
                if isinstance(result, Exception):
                    execution.fail(result, field, paths, index)
                elif result is None or result is Undefined:
                    error = _no_value(leaf, values[index], result)
                    execution.fail(error, field, paths, index)
                else:
                    continue
                completed[index] = None
        return completed

    return complete


def _no_value(leaf: GraphQLLeafType, value: object, result: object) -> TypeError:
    call = f"{inspect(leaf)}.coerce_output_value({inspect(value)})"
    return TypeError(f"Expected `{call}` to return non-nullable value, returned: {inspect(result)}")
