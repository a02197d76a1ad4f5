"""Scalars and enums: columns whose values are of the expected types need no call per value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    Undefined,
)
from graphql.pyutils import inspect
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from todo_gql.execution.columns import Column, Kinds, has_blanks, kinds_of, mapped
from todo_gql.execution.execution import Execution
from todo_gql.execution.places import Places
from todo_gql.execution.plan import Complete, PlannedField, Shortcut

Serialize: TypeAlias = Callable[[Sequence[Any]], Sequence[Any] | None]
"""What serializes a whole column of a scalar; None if these values have to be done one by one."""

Serializers: TypeAlias = Mapping[str, Serialize]
"""The scalars, by name, of which whole columns can be serialized."""


def leaf_completer(leaf: GraphQLLeafType) -> Complete:
    """What serializes the values of a scalar or an enum, one by one."""
    coerce = leaf.coerce_output_value

    def complete(
        execution: Execution, field: PlannedField, values: Column, _kinds: Kinds, places: Places
    ) -> Column:
        completed = mapped(coerce, values)
        if has_blanks(kinds_of(completed)):
            for index, result in enumerate(completed):
                if isinstance(result, Exception):
                    execution.fail(result, field, places, index)
                elif result is None or result is Undefined:
                    error = _no_value(leaf, values[index], result)
                    execution.fail(error, field, places, index)
                else:
                    continue
                completed[index] = None
        return completed

    return complete


def _no_value(leaf: GraphQLLeafType, value: object, result: object) -> TypeError:
    call = f"{inspect(leaf)}.coerce_output_value({inspect(value)})"
    return TypeError(f"Expected `{call}` to return non-nullable value, returned: {inspect(result)}")


def shortcut(leaf: GraphQLLeafType, serialize: Serialize | None, *, nullable: bool) -> Shortcut:
    """The quick way through a column of the leaf type."""
    if isinstance(leaf, GraphQLEnumType):
        return _enum_shortcut(leaf, nullable=nullable)
    if serialize is not None:
        return _serializing(serialize, nullable=nullable)
    kind = NATIVE.get(leaf)
    if kind is None:
        return _no_shortcut
    are_expected = _kinds_check(kind, nullable=nullable)
    is_fine = CHECKS.get(kind)

    def unchanged(values: Sequence[Any]) -> Sequence[Any] | None:
        if not are_expected(map(type, values)):
            return None
        return values if is_fine is None or is_fine(values) else None

    return unchanged


def _kinds_check(kind: type, *, nullable: bool) -> Callable[[Iterable[type]], bool]:
    return frozenset({kind, type(None)} if nullable else {kind}).issuperset


def _no_shortcut(_values: Sequence[Any]) -> None:
    return None


def _serializing(serialize: Serialize, *, nullable: bool) -> Shortcut:
    if not nullable:
        return lambda values: None if None in values else serialize(values)

    def with_nulls(values: Sequence[Any]) -> Sequence[Any] | None:
        if None not in values:
            return serialize(values)
        serialized = serialize([value for value in values if value is not None])
        if serialized is None:
            return None
        following = iter(serialized)
        return [None if value is None else next(following) for value in values]

    return with_nulls


def _enum_shortcut(leaf: GraphQLEnumType, *, nullable: bool) -> Shortcut:
    kind: type[Enum] | None = getattr(leaf, "wrapped_cls", None)
    # A Flag has more values than members.
    if kind is None or issubclass(kind, Flag):
        return _no_shortcut
    members = list(kind)
    written = mapped(leaf.coerce_output_value, members)
    if has_blanks(kinds_of(written)):
        return _no_shortcut
    # Members are there for good, so that nothing else ever has the id of one; and looking them up
    # by their ids needs no call of Enum's own hash.
    names: dict[int, Any] = dict(zip(map(id, members), written, strict=True))
    if nullable:
        names[id(None)] = None

    def named(values: Sequence[Any]) -> Sequence[Any] | None:
        try:
            return list(map(names.__getitem__, map(id, values)))
        except KeyError:
            return None

    return named


def _are_32_bits(values: Sequence[Any]) -> bool:
    numbers = [value for value in values if value is not None]
    return not numbers or (min(numbers) >= GRAPHQL_MIN_INT and max(numbers) <= GRAPHQL_MAX_INT)


def _are_finite(values: Sequence[Any]) -> bool:
    return all(value is None or isfinite(value) for value in values)


# Python's own type of each specified scalar's values, which are serialized as they are.
NATIVE: dict[object, type] = {
    GraphQLString: str,
    GraphQLID: str,
    GraphQLBoolean: bool,
    GraphQLInt: int,
    GraphQLFloat: float,
}
CHECKS: dict[type, Callable[[Sequence[Any]], bool]] = {int: _are_32_bits, float: _are_finite}
