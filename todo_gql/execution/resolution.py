"""Resolving columns: the values of a field for all objects of a level at once."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, TypeNameMetaFieldDef
from graphql.execution import default_field_resolver
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from todo_gql.execution.arguments import IMMUTABLE_TYPES
from todo_gql.execution.columns import Column, has_nulls_or_errors, mapped, types_of
from todo_gql.execution.execution import Execution
from todo_gql.execution.loaded_fields import LOADING, Loading
from todo_gql.execution.paths import ResponsePaths
from todo_gql.execution.plan import PlannedField, Resolve
from todo_gql.execution.rows import Rows, row_of
from todo_gql.execution.strawberry_fields import (
    attribute_of,
    bare_field,
    direct_resolver,
    has_only_self,
)


def resolver(
    definition: GraphQLField, parent_type: GraphQLObjectType, schema: GraphQLSchema
) -> Resolve:
    """The function that resolves columns of a field: the fastest that fits its declaration."""
    if definition is TypeNameMetaFieldDef:
        return partial(_type_names, parent_type.name)
    if definition.resolve is None and not definition.args:
        return _resolve_by_default
    if attribute := plain_attribute(definition, schema):
        return partial(_attributes, attribute, attrgetter(attribute))
    field = bare_field(definition, schema)
    if field is None or field.base_resolver is None:
        return partial(_resolve_each, definition.resolve or default_field_resolver)
    return _bare_resolver(field, field.base_resolver, schema)


def plain_attribute(definition: GraphQLField, schema: GraphQLSchema) -> str | None:
    """The attribute of the object that a field reads; None if it does more than that."""
    field = bare_field(definition, schema)
    return attribute_of(field) if field else None


def loading_of(
    definition: GraphQLField, schema: GraphQLSchema
) -> Loading[Any, Any, Any, Any] | None:
    """How a field is loaded; None if no loader resolves it."""
    field = bare_field(definition, schema)
    return field.metadata.get(LOADING) if field else None


def _bare_resolver(
    field: StrawberryField, declared: StrawberryResolver[Any], schema: GraphQLSchema
) -> Resolve:
    call = direct_resolver(field, declared, schema)
    if loading := field.metadata.get(LOADING):
        return partial(_resolve_loaded, loading, call)
    if has_only_self(declared):
        return partial(_call_each, declared.wrapped_func)
    return partial(_resolve_each, call)


def _type_names(
    name: str,
    _execution: Execution,
    _field: PlannedField,
    sources: Sequence[Any],
    _paths: ResponsePaths,
) -> Column:
    return [name] * len(sources)


def _attributes(
    name: str,
    read: Callable[[Any], Any],
    _execution: Execution,
    _field: PlannedField,
    sources: Sequence[Any],
    _paths: ResponsePaths,
) -> Column:
    if type(sources) is Rows and name in sources.row_type.attributes:
        return sources.column(name)
    return _mapped_objects(read, sources)


def _call_each(
    function: Any,
    _execution: Execution,
    _field: PlannedField,
    sources: Sequence[Any],
    _paths: ResponsePaths,
) -> Column:
    return _mapped_objects(function, sources)


def _mapped_objects(function: Callable[..., Any], sources: Sequence[Any], *more: Any) -> Column:
    """What the function returns for each object; rows are materialized first."""
    try:
        objects = sources.materialized if type(sources) is Rows else sources
    except Exception as error:  # noqa: BLE001 - whatever it is, it is each object's error
        return [error] * len(sources)
    return mapped(function, objects, *more)


def _resolve_loaded(
    loading: Loading[Any, Any, Any, Any],
    call: Callable[..., Any],
    execution: Execution,
    field: PlannedField,
    sources: Sequence[Any],
    paths: ResponsePaths,
) -> Column | Coroutine[Any, Any, Column]:
    if loading.prefetched_column:
        prefetched = loading.prefetched_values(sources) if type(sources) is Rows else None
        if prefetched is not None:
            return prefetched
        if any(loading.prefetched(row_of(source)) is not None for source in sources):
            return _resolve_each(call, execution, field, sources, paths)
    keys = _attributes(loading.by, attrgetter(loading.by), execution, field, sources, paths)
    if has_nulls_or_errors(types_of(keys)):
        return _resolve_each(call, execution, field, sources, paths)
    loaded = loading.cached(keys, execution.context)
    return loading.load_column(keys, execution.context) if loaded is None else loaded


def _resolve_by_default(
    execution: Execution, field: PlannedField, sources: Sequence[Any], paths: ResponsePaths
) -> Column:
    """Resolve like graphql-core's default resolver; only functions need `info`."""
    values = _mapped_objects(partial(_item_or_attribute, field.field_name), sources)
    for index, value in enumerate(values):
        if callable(value):
            [values[index]] = mapped(value, [execution.info(field, paths.path(index))])
    return values


def _item_or_attribute(name: str, source: object) -> Any:
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


def _resolve_each(
    resolve: Callable[..., Any],
    execution: Execution,
    field: PlannedField,
    sources: Sequence[Any],
    paths: ResponsePaths,
) -> Column:
    """Call a resolver for each object, with its arguments and `info`."""
    variables = execution.variables
    try:
        arguments = field.read_arguments(variables)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is each object's error
        return [error] * len(sources)
    if len(sources) == 1:
        try:
            return [resolve(sources[0], execution.info(field, paths.path(0)), **arguments)]
        except Exception as error:  # noqa: BLE001 - it is this object's error
            return [error]
    shared = types_of(arguments.values()) <= IMMUTABLE_TYPES

    def call(source: Any, index: int) -> Any:
        info = execution.info(field, paths.path(index))
        return resolve(source, info, **(arguments if shared else field.read_arguments(variables)))

    return _mapped_objects(call, sources, range(len(sources)))
