"""Quick ways through columns of scalars and enums whose values are of the expected types."""

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
"""What serializes a whole column of a scalar; None if any of it, as a null, needs another way."""

Serializers: TypeAlias = Mapping[str, Serialize]
"""The scalars, by name, of which whole columns can be serialized."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """The quick way through a column of a leaf, whose values need no look at each.

    They are `written` in a table by their ids, or `serialize` does all at once, or they stay as
    they are where all are of these `kinds` and each, unless it is null, `is_fine`.
    """

    written: Mapping[int, Any] | None = None
    serialize: Serialize | None = None
    kinds: frozenset[type] = frozenset()
    is_fine: Callable[[Any], bool] | None = None
    nullable: bool = False

    def column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """The completed column; None if it has to be completed value by value."""
        if self.written is not None:
            try:
                return list(map(self.written.__getitem__, map(id, values)))
            except KeyError:
                return None
        if self.serialize is not None:
            return self._serialized(self.serialize, values)
        if not self.kinds.issuperset(map(type, values)):
            return None
        if self.is_fine is None:
            return values
        given = [value for value in values if value is not None] if self.nullable else values
        return values if all(map(self.is_fine, given)) else None

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


def shortcut(
    leaf: GraphQLLeafType, serialize: Serialize | None, *, nullable: bool
) -> Shortcut | None:
    """The quick way through a column of the leaf type, if there is one."""
    if isinstance(leaf, GraphQLEnumType):
        written = _written(leaf, nullable=nullable)
        return None if written is None else Shortcut(written=written, nullable=nullable)
    if serialize is not None:
        return Shortcut(serialize=serialize, nullable=nullable)
    kind = NATIVE.get(leaf)
    if kind is None:
        return None
    kinds = frozenset({kind, type(None)} if nullable else {kind})
    return Shortcut(kinds=kinds, is_fine=IS_FINE.get(kind), nullable=nullable)


def _written(leaf: GraphQLEnumType, *, nullable: bool) -> Mapping[int, Any] | None:
    """What is written for each member of an enum, by its id."""
    kind: type[Enum] | None = getattr(leaf, "wrapped_cls", None)
    # A Flag has more values than members.
    if kind is None or issubclass(kind, Flag):
        return None
    members = list(kind)
    written = mapped(leaf.coerce_output_value, members)
    if has_nulls_or_errors(types_of(written)):
        return None
    # Members are there for good, so that nothing else ever has the id of one; and looking them up
    # by their ids needs no call of Enum's own hash.
    names: dict[int, Any] = dict(zip(map(id, members), written, strict=True))
    if nullable:
        names[id(None)] = None
    return names


# Python's own type of each specified scalar's values, which are serialized and taken as they are.
NATIVE: dict[object, type] = {
    GraphQLString: str,
    GraphQLID: str,
    GraphQLBoolean: bool,
    GraphQLInt: int,
    GraphQLFloat: float,
}
# Of those, which can be, if not all.
IS_FINE: dict[type, Callable[[Any], bool]] = {
    int: range(GRAPHQL_MIN_INT, GRAPHQL_MAX_INT + 1).__contains__,
    float: isfinite,
}
