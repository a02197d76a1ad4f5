"""What the engine knows of Strawberry: which wrappers it may look behind, and what is there."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any, NoReturn, cast

from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
from strawberry import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import get_strawberry_type_cast
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.utils.await_maybe import await_maybe

from todo_gql.execution.strawberry_arguments import Inputs

DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


def bare_field(definition: GraphQLField, schema: GraphQLSchema) -> StrawberryField | None:
    """The declaration of a field that has no permissions or extensions and handles no exceptions."""
    field, owner = definition.extensions.get(DEFINITION), _strawberry_schema(schema)
    if owner is None or owner.exception_handlers or not isinstance(field, StrawberryField):
        return None
    plain = type(field).get_result is StrawberryField.get_result
    return field if plain and not field.extensions else None


def _strawberry_schema(schema: GraphQLSchema) -> Schema | None:
    return getattr(schema, "_strawberry_schema", None)


def direct_resolver(
    field: StrawberryField, resolver: StrawberryResolver[Any], schema: GraphQLSchema
) -> Callable[..., Any]:
    """The resolver of a bare field, without looking up at each call what never changes."""
    owner = _strawberry_schema(schema)
    assert owner is not None
    config, inputs = owner.config, Inputs(owner)
    arguments = {
        config.name_converter.from_argument(argument): (
            argument.python_name,
            inputs.converter(argument.type),
        )
        for argument in field.arguments
    }
    parents = [one.name for one in (resolver.parent_parameter, resolver.root_parameter) if one]
    takes_self = resolver.self_parameter is not None
    info_name = resolver.info_parameter.name if resolver.info_parameter else None
    info_class, function = config.info_class, cast("Any", resolver.wrapped_func)

    def call(source: Any, raw_info: GraphQLResolveInfo[Any], **given: Any) -> Any:
        info = info_class(raw_info, field)
        passed: dict[str, Any] = {}
        if info_name is not None:
            passed[info_name] = info
        for name in parents:
            passed[name] = source
        for name, value in given.items():
            python_name, convert = arguments[name]
            passed[python_name] = convert(value, info, (name,))
        return function(source, **passed) if takes_self else function(**passed)

    def call_to_await(source: Any, raw_info: GraphQLResolveInfo[Any], **given: Any) -> Any:
        try:
            return call(source, raw_info, **given)
        except Exception as error:  # noqa: BLE001 - Strawberry tells of it where it is awaited
            return _failing(error)

    async def call_and_await(source: Any, raw_info: GraphQLResolveInfo[Any], **given: Any) -> Any:
        return await await_maybe(call(source, raw_info, **given))

    if not field.is_async:
        return call
    # The coroutine that the resolver makes is one less than Strawberry's own way takes.
    return call_to_await if iscoroutinefunction(function) else call_and_await


async def _failing(error: Exception) -> NoReturn:
    raise error


def attribute_of(field: StrawberryField) -> str | None:
    """The attribute that the field shows, if it does no more than that."""
    shows = field.base_resolver is None and field.default_resolver is getattr
    return field.python_name if shows else None


def takes_only_itself(resolver: StrawberryResolver[Any]) -> bool:
    """Whether a resolver is a plain method of the object."""
    return resolver.self_parameter is not None and len(resolver.signature.parameters) == 1


@lru_cache(maxsize=4096)
def origin_of(type_: GraphQLObjectType) -> type | None:
    """The class that a type was declared by."""
    definition = type_.extensions.get(DEFINITION)
    return definition.origin if isinstance(definition, StrawberryObjectDefinition) else None


def are_surely(type_: GraphQLObjectType, values: Sequence[Any], value_types: set[type]) -> bool:
    """Whether all values, which are of these classes, are of the type without asking each."""
    return all(_is_class_of(type_, kind) for kind in value_types) and not any(
        map(get_strawberry_type_cast, values)
    )


@lru_cache(maxsize=4096)
def _is_class_of(type_: GraphQLObjectType, kind: type) -> bool:
    origin = origin_of(type_)
    return origin is not None and is_checked_by_class(type_) and issubclass(kind, origin)


def is_checked_by_class(type_: GraphQLObjectType) -> bool:
    """Whether the type's `is_type_of` is Strawberry's own, which doesn't look at the execution."""
    definition = type_.extensions.get(DEFINITION)
    return isinstance(definition, StrawberryObjectDefinition) and definition.is_type_of is None
