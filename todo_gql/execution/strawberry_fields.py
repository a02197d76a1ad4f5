"""What the engine knows of Strawberry: which wrappers it can bypass, and what they wrap."""

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

from todo_gql.execution.strawberry_arguments import ArgumentConverters

DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


def bare_field(definition: GraphQLField, schema: GraphQLSchema) -> StrawberryField | None:
    """The declaration of a field; None if it has permissions, extensions or exception handlers."""
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
    """The resolver of a bare field, called as Strawberry does, with constants looked up once."""
    owner = _strawberry_schema(schema)
    assert owner is not None
    config, converters = owner.config, ArgumentConverters(owner)
    arguments = {
        config.name_converter.from_argument(argument): (
            argument.python_name,
            converters.converter(argument.type),
        )
        for argument in field.arguments
    }
    parents = [one.name for one in (resolver.parent_parameter, resolver.root_parameter) if one]
    has_self = resolver.self_parameter is not None
    info_name = resolver.info_parameter.name if resolver.info_parameter else None
    info_class, function = config.info_class, cast("Any", resolver.wrapped_func)

    def call(source: Any, raw_info: GraphQLResolveInfo[Any], **raw: Any) -> Any:
        info = info_class(raw_info, field)
        passed: dict[str, Any] = {}
        if info_name is not None:
            passed[info_name] = info
        for name in parents:
            passed[name] = source
        for name, value in raw.items():
            python_name, convert = arguments[name]
            passed[python_name] = convert(value, info, (name,))
        return function(source, **passed) if has_self else function(**passed)

    def call_coroutine(source: Any, raw_info: GraphQLResolveInfo[Any], **raw: Any) -> Any:
        try:
            return call(source, raw_info, **raw)
        except Exception as error:  # noqa: BLE001 - under Strawberry, awaiting raises it
            return _failing(error)

    async def call_and_await(source: Any, raw_info: GraphQLResolveInfo[Any], **raw: Any) -> Any:
        return await await_maybe(call(source, raw_info, **raw))

    if not field.is_async:
        return call
    # Returning the resolver's own coroutine saves one that Strawberry would wrap around it.
    return call_coroutine if iscoroutinefunction(function) else call_and_await


async def _failing(error: Exception) -> NoReturn:
    raise error


def attribute_of(field: StrawberryField) -> str | None:
    """The attribute that the field reads; None if it does more than that."""
    reads_attribute = field.base_resolver is None and field.default_resolver is getattr
    return field.python_name if reads_attribute else None


def has_only_self(resolver: StrawberryResolver[Any]) -> bool:
    """Whether a resolver is a method of the object without further parameters."""
    return resolver.self_parameter is not None and len(resolver.signature.parameters) == 1


@lru_cache(maxsize=4096)
def origin_of(type_: GraphQLObjectType) -> type | None:
    """The class that declares a type; None for types that Strawberry didn't build."""
    definition = type_.extensions.get(DEFINITION)
    return definition.origin if isinstance(definition, StrawberryObjectDefinition) else None


def are_all_of(type_: GraphQLObjectType, values: Sequence[Any], classes: set[type]) -> bool:
    """Whether values of these classes are all of the type, so that `is_type_of` needs no calls."""
    return all(_is_class_of(type_, class_) for class_ in classes) and not any(
        map(get_strawberry_type_cast, values)
    )


@lru_cache(maxsize=4096)
def _is_class_of(type_: GraphQLObjectType, class_: type) -> bool:
    origin = origin_of(type_)
    return origin is not None and is_checked_by_class(type_) and issubclass(class_, origin)


def is_checked_by_class(type_: GraphQLObjectType) -> bool:
    """Whether the type's `is_type_of` is Strawberry's own, which doesn't use its `info`."""
    definition = type_.extensions.get(DEFINITION)
    return isinstance(definition, StrawberryObjectDefinition) and definition.is_type_of is None
