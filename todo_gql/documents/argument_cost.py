"""The cost of a field's arguments in a document, from their values."""

from collections.abc import Sequence

from graphql import (
    ArgumentNode,
    FieldNode,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)

from todo_gql.api.input_cost import WeightedInput, value_cost
from todo_gql.documents.cost_expression import Cost, Variables, total


def argument_cost(node: FieldNode, weighted: Sequence[WeightedInput]) -> Cost:
    """The cost of all arguments of a field node."""
    by_name = {one.name: one for one in weighted}
    return total(
        _cost(argument, by_name[argument.name.value])
        for argument in node.arguments or ()
        if argument.name.value in by_name
    )


def _cost(argument: ArgumentNode, weighted: WeightedInput) -> Cost:
    value = argument.value
    if not _has_variables(value):
        return value_cost(weighted, value_from_ast_untyped(value))

    def with_variables(variables: Variables) -> int:
        return value_cost(weighted, value_from_ast_untyped(value, dict(variables)))

    return with_variables


def _has_variables(value: ValueNode) -> bool:
    if isinstance(value, VariableNode):
        return True
    if isinstance(value, ListValueNode):
        return any(map(_has_variables, value.values))
    return isinstance(value, ObjectValueNode) and any(
        _has_variables(field.value) for field in value.fields
    )
