"""Serializing whole columns of scalars and enums, if all their values are of the expected types."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, Flag
from math import isfinite
from typing import Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
)
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from todo_gql.execution.columns import has_nulls_or_errors, mapped, types_of

Serialize: TypeAlias = Callable[[Sequence[Any]], Sequence[Any] | None]
"""Serializes a whole column of a scalar; None if any value, such as a null, can't be."""

Serializers: TypeAlias = Mapping[str, Serialize]
"""Functions that serialize whole columns, by the names of their scalars."""


@dataclass(frozen=True, slots=True)
class BatchSerializer:
    """Serializes a column of a leaf type without Python code for each value.

    An enum's members are looked up in `names_by_id`, by `id(member)`. Some scalars have a function
    `serialize` for whole columns. Values of all others are serialized as they are, if all are of
    these `types` and each, unless it is null, `is_serializable`.
    """

    names_by_id: Mapping[int, Any] | None = None
    serialize: Serialize | None = None
    types: frozenset[type] = frozenset()
    is_serializable: Callable[[Any], bool] | None = None
    nullable: bool = False

    def serialize_column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """The serialized column; None if it has to be completed value by value."""
        if self.names_by_id is not None:
            try:
                return list(map(self.names_by_id.__getitem__, map(id, values)))
            except KeyError:
                return None
        if self.serialize is not None:
            return self._serialized(self.serialize, values)
        if not self.types.issuperset(map(type, values)):
            return None
        if self.is_serializable is None:
            return values
        present = [value for value in values if value is not None] if self.nullable else values
        return values if all(map(self.is_serializable, present)) else None

    def _serialized(self, serialize: Serialize, values: Sequence[Any]) -> Sequence[Any] | None:
        if None not in values:
            return serialize(values)
        if not self.nullable:
            return None
        serialized = serialize([value for value in values if value is not None])
        if serialized is None:
            return None
        following = iter(serialized)
        return [None if value is None else next(following) for value in values]


def batch_serializer(
    leaf: GraphQLLeafType, serialize: Serialize | None, *, nullable: bool
) -> BatchSerializer | None:
    """The batch serializer of a leaf type; None if its values have to be completed one by one."""
    if isinstance(leaf, GraphQLEnumType):
        names_by_id = _names_by_id(leaf, nullable=nullable)
        if names_by_id is None:
            return None
        return BatchSerializer(names_by_id=names_by_id, nullable=nullable)
    if serialize is not None:
        return BatchSerializer(serialize=serialize, nullable=nullable)
    native = NATIVE_TYPES.get(leaf)
    if native is None:
        return None
    types = frozenset({native, type(None)} if nullable else {native})
    is_serializable = IS_SERIALIZABLE.get(native)
    return BatchSerializer(types=types, is_serializable=is_serializable, nullable=nullable)


def _names_by_id(leaf: GraphQLEnumType, *, nullable: bool) -> Mapping[int, Any] | None:
    """The name that each member of an enum is serialized to, by `id(member)`."""
    enum: type[Enum] | None = getattr(leaf, "wrapped_cls", None)
    # A Flag has more values than members.
    if enum is None or issubclass(enum, Flag):
        return None
    members = list(enum)
    names = mapped(leaf.coerce_output_value, members)
    if has_nulls_or_errors(types_of(names)):
        return None
    # Members live as long as the process, so that no other object ever has the id of one. Looking
    # them up by their ids avoids calling Enum's own __hash__, which is Python code.
    names_by_id: dict[int, Any] = dict(zip(map(id, members), names, strict=True))
    if nullable:
        names_by_id[id(None)] = None
    return names_by_id


# The Python type whose values each built-in scalar serializes, and accepts as input, unchanged.
NATIVE_TYPES: dict[object, type] = {
    GraphQLString: str,
    GraphQLID: str,
    GraphQLBoolean: bool,
    GraphQLInt: int,
    GraphQLFloat: float,
}
# Which values of these types, if not all of them, are within the scalar's range.
IS_SERIALIZABLE: dict[type, Callable[[Any], bool]] = {
    int: range(GRAPHQL_MIN_INT, GRAPHQL_MAX_INT + 1).__contains__,
    float: isfinite,
}
