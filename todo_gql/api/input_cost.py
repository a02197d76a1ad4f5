"""The cost of the values of arguments: the weights of their input fields, added up.

Values need not be valid: invalid parts cost nothing, and execution reports them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    Undefined,
    get_named_type,
)

from todo_gql.api.cost_weights import COST_WEIGHT, CostWeight

# No valid filter has more input objects; execution rejects one that does.
MAX_INPUT_OBJECTS = 50


@dataclass(frozen=True, slots=True)
class WeightedInput:
    """An argument or input field with a cost weight, or with one somewhere in its type.

    `is_recursive` is whether its input type contains itself, perhaps in lists, as filters do.
    """

    name: str
    weight: CostWeight | None
    fields: "Callable[[], Sequence[WeightedInput]]"
    is_recursive: bool = False


class ArgumentCostModel:
    """The weighted arguments of a schema's fields, and the weighted fields of their input types."""

    def __init__(self) -> None:
        self._fields_by_type: dict[str, list[WeightedInput]] = {}

    def weighted(self, arguments: Mapping[str, GraphQLArgument]) -> Sequence[WeightedInput]:
        """The arguments of a field that may cost anything."""
        return [one for name in arguments if (one := self._weighted(name, arguments[name]))]

    def _weighted(
        self, name: str, definition: GraphQLArgument | GraphQLInputField
    ) -> WeightedInput | None:
        weight, named = _cost_weight(definition), get_named_type(definition.type)
        if weight is None and not self._fields_of(named):
            return None
        return WeightedInput(
            name, weight, lambda: self._fields_of(named), is_recursive=_is_recursive(named)
        )

    def _fields_of(self, named: GraphQLNamedType) -> Sequence[WeightedInput]:
        if not isinstance(named, GraphQLInputObjectType):
            return ()
        weighted = self._fields_by_type.get(named.name)
        if weighted is None:
            # Stored before it is filled: input types may contain themselves.
            weighted = self._fields_by_type[named.name] = []
            fields = named.fields.items()
            weighted += [one for name, field in fields if (one := self._weighted(name, field))]
            weighted += [
                WeightedInput(name, None, lambda: self._fields_of(named), is_recursive=True)
                for name, field in fields
                if get_named_type(field.type) is named
            ]
        return weighted


def _is_recursive(named: GraphQLNamedType) -> bool:
    return isinstance(named, GraphQLInputObjectType) and any(
        get_named_type(field.type) is named for field in named.fields.values()
    )


def _cost_weight(definition: GraphQLArgument | GraphQLInputField) -> CostWeight | None:
    strawberry_definition = definition.extensions.get("strawberry-definition")
    weight = getattr(strawberry_definition, "metadata", {}).get(COST_WEIGHT)
    return weight if isinstance(weight, CostWeight) else None


def value_cost(weighted: WeightedInput, value: Any) -> int:
    """The cost of one argument's value, which is JSON."""
    return _Evaluation().cost(weighted, value)


class _Evaluation:
    """Adds up the cost of one argument value; visits at most `MAX_INPUT_OBJECTS` recursive objects."""

    def __init__(self) -> None:
        self.objects_left = MAX_INPUT_OBJECTS

    def cost(self, weighted: WeightedInput, value: Any) -> int:
        """The value's own weight plus that of its fields; 0 if it has such fields, none of them set."""
        if value is None or value is Undefined:
            return 0
        own = weighted.weight.cost_of(value) if weighted.weight else 0
        fields = weighted.fields()
        if not fields:
            return own
        if not weighted.is_recursive:
            of_fields = self._cost_of_fields(fields, value)
        else:
            of_fields = 0
            for item in value if isinstance(value, list) else [value]:
                if self.objects_left == 0:
                    break
                self.objects_left -= 1
                of_fields += self._cost_of_fields(fields, item)
        return own + of_fields if of_fields else 0

    def _cost_of_fields(self, fields: Sequence[WeightedInput], value: Any) -> int:
        if not isinstance(value, dict):
            return 0
        return sum(self.cost(field, value.get(field.name)) for field in fields)
