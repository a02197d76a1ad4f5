"""Coercing variables: graphql-core's rules, with a short way for values that need no coercion."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    get_nullable_type,
    get_variable_values,
)
from graphql.execution import VariableValues
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValueSource
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

MAX_COERCION_ERRORS = 50

# The Python types whose values the specified scalars take as they are.
TAKEN: dict[object, type] = {
    GraphQLBoolean: bool,
    GraphQLFloat: float,
    GraphQLID: str,
    GraphQLInt: int,
    GraphQLString: str,
}
# Of those, which they take.
IS_TAKEN: dict[type, Callable[[Any], bool]] = {
    bool: lambda _value: True,
    float: isfinite,
    int: lambda number: GRAPHQL_MIN_INT <= number <= GRAPHQL_MAX_INT,
    str: lambda _text: True,
}


class _Plain(NamedTuple):
    """A variable of a specified scalar type."""

    name: str
    signature: GraphQLVariableSignature
    kind: type


Coerce = Callable[[Mapping[str, Any]], VariableValues | list[GraphQLError]]


def variable_reader(
    schema: GraphQLSchema, operation: OperationDefinitionNode, *, hide_suggestions: bool
) -> Coerce:
    """What coerces an operation's variables, or tells what is wrong with them."""
    definitions = operation.variable_definitions or ()
    plain = [_plain(get_variable_signature(schema, node)) for node in definitions]

    def coerce(given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        values = _as_they_are(plain, given)
        if values is not None:
            return values
        return get_variable_values(
            schema,
            definitions,
            dict(given),
            max_errors=MAX_COERCION_ERRORS,
            hide_suggestions=hide_suggestions,
        )

    return coerce


def _plain(signature: GraphQLVariableSignature | GraphQLError) -> _Plain | None:
    if isinstance(signature, GraphQLError):
        return None
    kind = TAKEN.get(get_nullable_type(signature.type))
    return None if kind is None else _Plain(signature.name, signature, kind)


def _as_they_are(plain: list[_Plain | None], given: Mapping[str, Any]) -> VariableValues | None:
    """The variables, if all are there and need no coercion."""
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for variable in plain:
        if variable is None:
            return None
        name, signature, kind = variable
        value = given.get(name)
        if type(value) is not kind or not IS_TAKEN[kind](value):
            return None
        sources[name] = VariableValueSource(signature, value)
        coerced[name] = value
    return VariableValues(sources, coerced)
