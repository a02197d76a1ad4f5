"""A limit on the number of values in an operation's variables, checked before coercion."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_input_type,
    is_list_type,
    type_from_ast,
)

# A bulk action of 100 todos, each with all of its fields and ten tags, has 2,400.
MAX_VALUES: Final = 3_000
# Each value takes a character of JSON, and a comma, colon or bracket.
ALWAYS_FEW_BYTES: Final = 2 * MAX_VALUES
"""A request of so many bytes never holds more than `MAX_VALUES` values."""


class TooManyValues(Exception):
    """The variables hold more than `MAX_VALUES` values; the message is for the client."""


CompositeVariables: TypeAlias = Sequence[tuple[str, GraphQLInputType]]
"""The names and types of the variables of an operation that are lists or input objects."""


def find_composite_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> CompositeVariables:
    """The variables of a valid operation that are lists or input objects."""
    types = (
        (definition.variable.name.value, type_from_ast(schema, definition.type))
        for definition in operation.variable_definitions or ()
    )
    return [(name, type_) for name, type_ in types if is_input_type(type_) and _is_composite(type_)]


def check_variables_size(
    variables_to_count: CompositeVariables, variables: Mapping[str, Any]
) -> None:
    """Raise `TooManyValues` if lists and input objects hold more than `MAX_VALUES` values together.

    A value of a scalar such as JSON counts as one.
    """
    stack: list[tuple[Any, GraphQLInputType]]
    stack = [(variables.get(name), type_) for name, type_ in variables_to_count]
    left = MAX_VALUES
    while stack:
        value, type_ = stack.pop()
        if not (isinstance(value, (dict, list)) and _is_composite(type_)):
            continue
        left -= len(value)
        if left < 0:
            raise TooManyValues(
                f"Variables hold at most {MAX_VALUES:,} items and fields together: send fewer."
            )
        named = get_named_type(type_)
        if not isinstance(named, GraphQLInputObjectType):
            continue
        if isinstance(value, list):
            stack += [(item, named) for item in value]
        else:
            fields = named.fields
            stack += [(item, fields[name].type) for name, item in value.items() if name in fields]


def _is_composite(type_: GraphQLInputType) -> bool:
    nullable = get_nullable_type(type_)
    return isinstance(nullable, GraphQLInputObjectType) or is_list_type(nullable)
