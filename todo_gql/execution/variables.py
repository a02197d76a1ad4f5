"""Coercing variables (CoerceVariableValues): fast for usual values, by graphql-core for others."""

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
from todo_gql.execution.coercion import Coerce, NeedsFullCoercion, can_nest, coercer

MAX_COERCION_ERRORS = 50


class _Variable(NamedTuple):
    """A variable of an operation, prepared once for all requests.

    `absent` is its value if the request has none: the default, `Undefined` for no value, or
    `NeedsFullCoercion`.
    """

    name: str
    signature: GraphQLVariableSignature
    coerce: Coerce
    absent: Any
    can_nest: bool


ReadVariables: TypeAlias = Callable[[Mapping[str, Any]], VariableValues | list[GraphQLError]]
"""Coerces the variables of a request; returns the errors if they are invalid."""


def variable_reader(
    schema: GraphQLSchema, operation: OperationDefinitionNode, *, hide_suggestions: bool
) -> ReadVariables:
    """The function that coerces an operation's variables, or returns the request errors."""
    definitions = operation.variable_definitions or ()
    variables = [_variable(get_variable_signature(schema, node)) for node in definitions]

    def read(raw: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        try:
            return _coerced(variables, raw)
        except (NeedsFullCoercion, RecursionError):
            return get_variable_values(
                schema,
                definitions,
                dict(raw),
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
        return NeedsFullCoercion if is_non_null_type(signature.type) else Undefined
    try:
        default = coerce_default_value(signature)
    except Exception:  # noqa: BLE001 - graphql-core reports it
        return NeedsFullCoercion
    # A resolver could change a list or an input object, which requests would share.
    return default if type(default) in IMMUTABLE_TYPES else NeedsFullCoercion


def _coerced(variables: list[_Variable | None], raw: Mapping[str, Any]) -> VariableValues:
    """The coerced values; raises `NeedsFullCoercion` unless all are valid and of the usual form."""
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for variable in variables:
        if variable is None:
            raise NeedsFullCoercion
        name, signature, coerce, absent, can_nest = variable
        value = raw.get(name, Undefined)
        if value is Undefined:
            if absent is NeedsFullCoercion:
                raise NeedsFullCoercion
            sources[name] = VariableValueSource(signature)
            if absent is not Undefined:
                coerced[name] = absent
            continue
        if can_nest and input_is_nested_too_deeply(value, signature.type):
            raise NeedsFullCoercion
        sources[name] = VariableValueSource(signature, value)
        coerced[name] = coerce(value)
    return VariableValues(sources, coerced)
