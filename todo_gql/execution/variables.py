"""Coercing variables: graphql-core's rules, with a short way for values that need no coercion."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    get_variable_values,
    is_non_null_type,
)
from graphql.execution import VariableValues
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValueSource, input_is_nested_too_deeply
from graphql.utilities.coerce_input_value import coerce_default_value

from todo_gql.execution.arguments import IMMUTABLE_TYPES
from todo_gql.execution.coercion import Coerce, Unusual, can_nest, coercer

MAX_COERCION_ERRORS = 50


class _Variable(NamedTuple):
    """A variable of an operation, and what there is to know of it before its values come.

    `absent` is its value where none is given: `Undefined` for none, or `Unusual`.
    """

    name: str
    signature: GraphQLVariableSignature
    coerce: Coerce
    absent: Any
    can_nest: bool


ReadVariables: TypeAlias = Callable[[Mapping[str, Any]], VariableValues | list[GraphQLError]]


def variable_reader(
    schema: GraphQLSchema, operation: OperationDefinitionNode, *, hide_suggestions: bool
) -> ReadVariables:
    """What coerces an operation's variables, or tells what is wrong with them."""
    definitions = operation.variable_definitions or ()
    variables = [_variable(get_variable_signature(schema, node)) for node in definitions]

    def read(given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        try:
            return _coerced(variables, given)
        except (Unusual, RecursionError):
            return get_variable_values(
                schema,
                definitions,
                dict(given),
                max_errors=MAX_COERCION_ERRORS,
                hide_suggestions=hide_suggestions,
            )

    return read


def _variable(signature: GraphQLVariableSignature | GraphQLError) -> _Variable | None:
    if isinstance(signature, GraphQLError):
        return None
    name, type_ = signature.name, signature.type
    return _Variable(name, signature, coercer(type_), _absent(signature), can_nest(type_))


def _absent(signature: GraphQLVariableSignature) -> Any:
    if signature.default is None:
        return Unusual if is_non_null_type(signature.type) else Undefined
    try:
        default = coerce_default_value(signature)
    except Exception:  # noqa: BLE001 - graphql-core has the words for it
        return Unusual
    # Whoever is given a list may change it.
    return default if type(default) in IMMUTABLE_TYPES else Unusual


def _coerced(variables: list[_Variable | None], given: Mapping[str, Any]) -> VariableValues:
    """The variables' values; raises `Unusual` where something is to be said about them."""
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for variable in variables:
        if variable is None:
            raise Unusual
        name, signature, coerce, absent, can_nest = variable
        value = given.get(name, Undefined)
        if value is Undefined:
            if absent is Unusual:
                raise Unusual
            sources[name] = VariableValueSource(signature)
            if absent is not Undefined:
                coerced[name] = absent
            continue
        if can_nest and input_is_nested_too_deeply(value, signature.type):
            raise Unusual
        sources[name] = VariableValueSource(signature, value)
        coerced[name] = coerce(value)
    return VariableValues(sources, coerced)
