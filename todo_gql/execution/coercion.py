"""Coercing usual input values in little time, and leaving all others to graphql-core."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLLeafType,
    Undefined,
    assert_leaf_type,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from todo_gql.execution.leaf_serializers import IS_SERIALIZABLE, NATIVE_TYPES

Coerce: TypeAlias = Callable[[Any], Any]
"""Coerces a value to what graphql-core would; raises `NeedsFullCoercion` if it can't decide."""


class NeedsFullCoercion(Exception):
    """A value is invalid, or valid but of an unusual form: graphql-core has to coerce it."""


def coercer(type_: GraphQLInputType) -> Coerce:
    """The coercion of values of a type (input coercion; section 3, Types)."""
    nullable, inner = not is_non_null_type(type_), get_nullable_type(type_)
    if native := NATIVE_TYPES.get(inner):
        return _pass_through(native, nullable=nullable)
    if is_list_type(inner):
        return _list(coercer(inner.of_type), nullable=nullable)
    if is_input_object_type(inner):
        return _object(inner, nullable=nullable)
    return _leaf(assert_leaf_type(inner), nullable=nullable)


def _pass_through(native: type, *, nullable: bool) -> Coerce:
    is_serializable = IS_SERIALIZABLE.get(native)

    def coerce(value: Any) -> Any:
        if type(value) is native and (is_serializable is None or is_serializable(value)):
            return value
        if value is None and nullable:
            return None
        raise NeedsFullCoercion

    return coerce


def _leaf(leaf: GraphQLLeafType, *, nullable: bool) -> Coerce:
    def coerce(value: Any) -> Any:
        if value is None and nullable:
            return None
        if value is None or value is Undefined:
            raise NeedsFullCoercion
        try:
            coerced = leaf.coerce_input_value(value)
        except Exception as error:
            raise NeedsFullCoercion from error
        if coerced is Undefined:
            raise NeedsFullCoercion
        return coerced

    return coerce


def _list(coerce_item: Coerce, *, nullable: bool) -> Coerce:
    def coerce(value: Any) -> Any:
        if type(value) is list:
            return list(map(coerce_item, value))
        if value is None and nullable:
            return None
        raise NeedsFullCoercion

    return coerce


class _Field(NamedTuple):
    """A field of an input object; `default` is `NeedsFullCoercion` if the field is required."""

    name: str
    out_name: str
    coerce: Coerce
    default: Any


def _object(type_: GraphQLInputObjectType, *, nullable: bool) -> Coerce:
    def coerce(value: Any) -> Any:
        if type(value) is not dict:
            if value is None and nullable:
                return None
            raise NeedsFullCoercion
        coerced: dict[str, Any] = {}
        present = 0
        for name, out_name, coerce_field, default in _fields(type_):
            if name in value:
                present += 1
                coerced[out_name] = coerce_field(value[name])
            elif default is NeedsFullCoercion:
                raise NeedsFullCoercion
            elif default is not Undefined:
                coerced[out_name] = default
        if present < len(value):
            raise NeedsFullCoercion
        if type_.is_one_of and (present != 1 or None in coerced.values()):
            raise NeedsFullCoercion
        return type_.out_type(coerced)

    return coerce


# Called only when there are values: a field may be of the input object's own type.
@lru_cache(maxsize=1024)
def _fields(type_: GraphQLInputObjectType) -> list[_Field]:
    return [
        _Field(
            name,
            field.out_name or name,
            coercer(field.type),
            NeedsFullCoercion if is_required_input_field(field) else coerce_default_value(field),
        )
        for name, field in type_.fields.items()
    ]


def can_nest(type_: GraphQLInputType) -> bool:
    """Whether values of a type can contain input objects within input objects."""
    named = get_named_type(type_)
    return is_input_object_type(named) and any(
        is_input_object_type(get_named_type(field.type)) for field in named.fields.values()
    )
