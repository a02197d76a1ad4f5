"""The arguments of a field: what is the same at each execution is worked out once."""

from collections.abc import Callable
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.execution import VariableValues, get_argument_values

from todo_gql.execution.columns import types_of

# What can't be changed by a resolver, and so can be handed to many.
ATOMS = frozenset({str, int, float, bool, type(None)})

Given: TypeAlias = Callable[[VariableValues], dict[str, Any]]
"""The arguments for these variables, a new dictionary at each call; raises `GraphQLError`."""


def argument_reader(definition: GraphQLField, node: FieldNode) -> Given:
    """What gives a field's arguments as graphql-core does, in less time where that is easy."""
    nodes = {argument.name.value: argument.value for argument in node.arguments or ()}

    def work_out(values: VariableValues) -> dict[str, Any]:
        return get_argument_values(definition, node, values)

    constant = _constants(definition, node, nodes)
    if constant is None:
        return work_out
    # In the order of the definition, which resolvers that take them all can see.
    parts: list[tuple[str, str | None, Any]] = []
    for name, argument in definition.args.items():
        out_name, value = argument.out_name or name, nodes.get(name)
        if isinstance(value, VariableNode):
            parts.append((out_name, value.name.value, None))
        elif out_name in constant:
            parts.append((out_name, None, constant[out_name]))

    def given(values: VariableValues) -> dict[str, Any]:
        arguments = {}
        for name, variable, value in parts:
            arguments[name] = value if variable is None else values.coerced.get(variable)
            if variable is not None and arguments[name] is None:
                # It may be absent or null, which isn't the same for an argument with a default.
                return work_out(values)
        return arguments

    return given


def _constants(
    definition: GraphQLField, node: FieldNode, nodes: dict[str, ValueNode]
) -> dict[str, Any] | None:
    """The arguments that no variable gives; None if they aren't the same at each execution."""
    bare = {name for name, value in nodes.items() if isinstance(value, VariableNode)}
    if any(_holds_variable(value) for name, value in nodes.items() if name not in bare):
        return None
    args = {name: one for name, one in definition.args.items() if name not in bare}
    try:
        values = get_argument_values(GraphQLField(definition.type, args), node)
    except GraphQLError:
        return None
    return values if types_of(values.values()) <= ATOMS else None


def _holds_variable(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(map(_holds_variable, node.values))
    if isinstance(node, ObjectValueNode):
        return any(_holds_variable(one.value) for one in node.fields)
    return isinstance(node, VariableNode)
