"""How many values an operation's variables hold, counted before any of them is coerced."""

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
MOST_VALUES: Final = 3_000
FEW: Final = 100


class TooManyValues(Exception):
    """Variables that aren't coerced, since that would take long."""


Containers: TypeAlias = Sequence[tuple[str, GraphQLInputType]]
"""The variables of an operation that are lists or input objects, by name, with their types."""


def containers_of(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Containers:
    """The variables of a valid operation that may hold any number of values."""
    types = (
        (definition.variable.name.value, type_from_ast(schema, definition.type))
        for definition in operation.variable_definitions or ()
    )
    return [(name, type_) for name, type_ in types if is_input_type(type_) and _contains(type_)]


def check_number(containers: Containers, variables: Mapping[str, Any]) -> None:
    """`TooManyValues` if variables hold more than `MOST_VALUES` items of lists and fields together.

    What a scalar such as JSON holds is one value.
    """
    if _are_few(variables):
        return
    waiting: list[tuple[Any, GraphQLInputType]]
    waiting = [(variables.get(name), type_) for name, type_ in containers]
    left = MOST_VALUES
    while waiting:
        value, type_ = waiting.pop()
        if not (isinstance(value, (dict, list)) and _contains(type_)):
            continue
        left -= len(value)
        if left < 0:
            raise TooManyValues(
                f"Variables hold at most {MOST_VALUES:,} items and fields together: send fewer."
            )
        named = get_named_type(type_)
        if not isinstance(named, GraphQLInputObjectType):
            continue
        if isinstance(value, list):
            waiting += [(item, named) for item in value]
        else:
            fields = named.fields
            waiting += [(item, fields[name].type) for name, item in value.items() if name in fields]


def _are_few(variables: Mapping[str, Any]) -> bool:
    """Whether it is clear at a look, without their types, that variables hold few values."""
    left, waiting = FEW, [*variables.values()]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            waiting += value.values()
        elif type(value) is list:
            waiting += value
        else:
            continue
        left -= len(value)
        if left < 0:
            return False
    return True


def _contains(type_: GraphQLInputType) -> bool:
    nullable = get_nullable_type(type_)
    return isinstance(nullable, GraphQLInputObjectType) or is_list_type(nullable)
