"""What the arguments of a call cost: worked out from their values, as far as these are valid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

from todo_gql.api.cost_weights import WORK, Work
from todo_gql.documents.cost_expression import Amount, Variables, total

# No filter has more parts; one that does is refused when it is executed.
MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class Charged:
    """An argument or a field of an input that costs something, or in which something does.

    It `nests` where its type holds more of its own kind, of which there may be lists.
    """

    name: str
    work: Work | None
    parts: "Callable[[], Sequence[Charged]]"
    nests: bool = False


class ArgumentPrices:
    """The charged arguments of a schema, and what is charged in their types."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Charged]] = {}

    def charged(self, arguments: Mapping[str, GraphQLArgument]) -> Sequence[Charged]:
        """Those of a field's arguments that can cost anything."""
        return [one for name in arguments if (one := self._charged(name, arguments[name]))]

    def _charged(self, name: str, place: GraphQLArgument | GraphQLInputField) -> Charged | None:
        work, named = _work_of(place), get_named_type(place.type)
        if work is None and not self._parts_of(named):
            return None
        return Charged(name, work, lambda: self._parts_of(named), nests=_nests(named))

    def _parts_of(self, named: GraphQLNamedType) -> Sequence[Charged]:
        if not isinstance(named, GraphQLInputObjectType):
            return ()
        known = self._parts.get(named.name)
        if known is None:
            # It is there before it is full, since filters hold filters.
            known = self._parts[named.name] = []
            places = named.fields.items()
            known += [one for name, place in places if (one := self._charged(name, place))]
            known += [
                Charged(name, None, lambda: self._parts_of(named), nests=True)
                for name, place in places
                if get_named_type(place.type) is named
            ]
        return known


def _nests(named: GraphQLNamedType) -> bool:
    return isinstance(named, GraphQLInputObjectType) and any(
        get_named_type(place.type) is named for place in named.fields.values()
    )


def _work_of(place: GraphQLArgument | GraphQLInputField) -> Work | None:
    definition = place.extensions.get("strawberry-definition")
    work = getattr(definition, "metadata", {}).get(WORK)
    return work if isinstance(work, Work) else None


def cost_of_arguments(node: FieldNode, charged: Sequence[Charged]) -> Amount:
    """What the arguments of a call cost, once their variables are there."""
    by_name = {one.name: one for one in charged}
    return total(
        _cost(argument, by_name[argument.name.value])
        for argument in node.arguments or ()
        if argument.name.value in by_name
    )


def _cost(argument: ArgumentNode, charged: Charged) -> Amount:
    value = argument.value
    if not _has_variables(value):
        return Weighing().of(charged, value_from_ast_untyped(value))

    def with_variables(variables: Variables) -> int:
        return Weighing().of(charged, value_from_ast_untyped(value, dict(variables)))

    return with_variables


def _has_variables(value: ValueNode) -> bool:
    if isinstance(value, VariableNode):
        return True
    if isinstance(value, ListValueNode):
        return any(map(_has_variables, value.values))
    return isinstance(value, ObjectValueNode) and any(
        _has_variables(field.value) for field in value.fields
    )


class Weighing:
    """Adds up what is charged in one value, of which no more than `MOST_PARTS` are looked at."""

    def __init__(self) -> None:
        self.left = MOST_PARTS

    def of(self, charged: Charged, value: Any) -> int:
        """What a value costs in that place: by itself, unless nothing charged is in it."""
        if value is None or value is Undefined:
            return 0
        own = charged.work.of(value) if charged.work else 0
        parts = charged.parts()
        if not parts:
            return own
        if not charged.nests:
            below = self._in(parts, value)
        else:
            below = 0
            for item in value if isinstance(value, list) else [value]:
                if self.left == 0:
                    break
                self.left -= 1
                below += self._in(parts, item)
        return own + below if below else 0

    def _in(self, parts: Sequence[Charged], value: Any) -> int:
        if not isinstance(value, dict):
            return 0
        return sum(self.of(part, value.get(part.name)) for part in parts)
