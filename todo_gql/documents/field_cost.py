"""The cost model: what each field of a schema costs, in cost units (one is one object).

The vocabulary is that of IBM's cost directives specification
(https://ibm.github.io/graphql-specs/cost-spec.html): a list is sized by its slicing arguments, or
else has an assumed size.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from strawberry.types.field import StrawberryField

from todo_gql.api.cost_weights import (
    BYTES_PER_OBJECT,
    COST_WEIGHT,
    COUNTS_ALL,
    MAX_BYTES,
    CostWeight,
)
from todo_gql.api.input_cost import ArgumentCostModel, WeightedInput
from todo_gql.documents.argument_cost import argument_cost
from todo_gql.documents.cost_expression import (
    Cost,
    list_size,
    maximum,
    product,
    slicing_size,
    total,
)

MUTATION_COST = 10
# The assumed size of a list that no argument limits.
ASSUMED_LIST_SIZE = 10
DEFAULT_PAGE_SIZE = 50
# A count reads all rows that a filter matches, where a page stops at its last item.
COUNT_FACTOR = 2
# The assumed maximum bytes of a leaf as JSON: of a text such as a title, and of any other scalar.
TEXT_BYTES, OTHER_LEAF_BYTES = 1024, 64
TEXTS = frozenset({"String", "JSON"})
# The bytes of a key's quotes, colon and comma, or of an object's braces.
PUNCTUATION_BYTES = 8


class CostKind(Enum):
    """How the cost of a field is computed."""

    LEAF = auto()
    MUTATION = auto()
    PAGE = auto()
    TRANSPARENT = auto()
    LIST = auto()
    OBJECT = auto()


@dataclass(frozen=True, slots=True)
class FieldCost:
    """The cost of one field of the schema.

    - `sized_by_argument`: the list argument for each of whose items a payload's list has an item.
    - `leaf_cost`: the cost of a leaf by itself.
    - `counts_all`: whether the field reads all rows that its arguments match.
    - `weighted`: the arguments that cost something.
    - `max_bytes`: the maximum length of a leaf as JSON.
    - `repeat_cost`: the cost of each further selection of a long leaf under another alias.
    """

    kind: CostKind
    default_page_size: int = DEFAULT_PAGE_SIZE
    sized_by_argument: str | None = None
    leaf_cost: int = 0
    counts_all: bool = False
    weighted: Sequence[WeightedInput] = ()
    max_bytes: int = 0
    repeat_cost: int = 0

    def list_size(self, node: FieldNode) -> Cost | None:
        """The size of the payload's list, if an argument determines it; None otherwise."""
        for argument in node.arguments or ():
            if argument.name.value == self.sized_by_argument:
                return list_size(argument.value)
        return None

    def cost(
        self,
        node: FieldNode,
        object_cost: Cost,
        *,
        has_objects: bool,
        selected: AbstractSet[str],
        items: Cost,
    ) -> Cost:
        """The cost of a field node, `object_cost` being that of one object's subselection.

        `items` is the size of an unpaged list, `selected` the names of the fields selected of the
        object, and `has_objects` whether any of these has a subselection.
        """
        objects = self._cost_of_objects(node, object_cost, has_objects=has_objects, items=items)
        if not self.weighted:
            return objects
        queries = self._number_of_queries(node, selected)
        return total([objects, product(queries, argument_cost(node, self.weighted))])

    def size(self, node: FieldNode, object_size: Cost, *, has_objects: bool, items: Cost) -> Cost:
        """The maximum bytes of a field's value, `object_size` being that of one object's fields."""
        if self.kind is CostKind.LEAF:
            return self.max_bytes
        object_size = total([object_size, PUNCTUATION_BYTES])
        return self._cost_of_objects(node, object_size, has_objects=has_objects, items=items)

    def _number_of_queries(self, node: FieldNode, selected: AbstractSet[str]) -> int:
        """How often the database applies the arguments: for the page, `totalCount` and `pageInfo`."""
        if self.counts_all:
            return COUNT_FACTOR
        queries = 1 + (COUNT_FACTOR if "totalCount" in selected else 0)
        has_cursor = any(one.name.value in {"after", "before"} for one in node.arguments or ())
        return queries + (has_cursor and "pageInfo" in selected)

    def _cost_of_objects(
        self, node: FieldNode, object_cost: Cost, *, has_objects: bool, items: Cost
    ) -> Cost:
        match self.kind:
            case CostKind.LEAF:
                return self.leaf_cost
            case CostKind.MUTATION:
                # Writing an item costs the same whether its result is selected or not.
                written = items if self.sized_by_argument else 0
                return total([MUTATION_COST, maximum([object_cost, written])])
            case CostKind.PAGE if has_objects:
                page = slicing_size(node.arguments or (), self.default_page_size)
                return product(page, total([1, object_cost]))
            case CostKind.TRANSPARENT:
                return object_cost
            case CostKind.LIST:
                return product(items, total([1, object_cost]))
            case _:
                return total([1, object_cost])


class CostModel:
    """The costs of a schema's fields, derived from its types.

    A type with a `pageInfo` field is a connection: its items count once, whether they are selected
    as `nodes` or as `edges`, and the connection and its edges themselves are free.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        objects = [one for one in schema.type_map.values() if isinstance(one, GraphQLObjectType)]
        self._connections = {one.name for one in objects if "pageInfo" in one.fields}
        self._transparent = self._connections | {
            get_named_type(one.fields["edges"].type).name
            for one in objects
            if one.name in self._connections and "edges" in one.fields
        }
        self._mutation = schema.mutation_type
        self._arguments = ArgumentCostModel()
        self._costs: dict[tuple[str, str], FieldCost] = {}

    def field_cost(self, parent: GraphQLObjectType, name: str, field: GraphQLField) -> FieldCost:
        """The cost of a field of an object type."""
        key = parent.name, name
        if key not in self._costs:
            self._costs[key] = self._field_cost(parent, field)
        return self._costs[key]

    def _field_cost(self, parent: GraphQLObjectType, field: GraphQLField) -> FieldCost:
        named = get_named_type(field.type)
        is_list = is_list_type(get_nullable_type(field.type))
        argument = _sizing_argument(field)
        metadata, weighted = _metadata(field), self._arguments.weighted(field.args)
        if is_leaf_type(named):
            return _leaf_cost(named, metadata)
        if parent is self._mutation:
            return FieldCost(CostKind.MUTATION, sized_by_argument=argument)
        if parent.name in self._transparent:
            return FieldCost(CostKind.TRANSPARENT)
        if named.name in self._connections or (is_list and "first" in field.args):
            page = int(metadata.get("default_page", DEFAULT_PAGE_SIZE))
            return FieldCost(CostKind.PAGE, default_page_size=page, weighted=weighted)
        kind, counts_all = CostKind.LIST if is_list else CostKind.OBJECT, COUNTS_ALL in metadata
        return FieldCost(kind, sized_by_argument=argument, counts_all=counts_all, weighted=weighted)


def _leaf_cost(named: GraphQLNamedType, metadata: Mapping[Any, Any]) -> FieldCost:
    weight = metadata.get(COST_WEIGHT)
    default = TEXT_BYTES if named.name in TEXTS else OTHER_LEAF_BYTES
    max_bytes = int(metadata.get(MAX_BYTES, default))
    return FieldCost(
        CostKind.LEAF,
        leaf_cost=weight.weight if isinstance(weight, CostWeight) else 0,
        max_bytes=max_bytes,
        repeat_cost=max_bytes // BYTES_PER_OBJECT,
    )


def _sizing_argument(field: GraphQLField) -> str | None:
    """The required list argument of a field, for each of whose items the payload has an item."""
    for name, argument in field.args.items():
        if isinstance(argument.type, GraphQLNonNull) and is_list_type(argument.type.of_type):
            return name
    return None


def _metadata(field: GraphQLField) -> Mapping[Any, Any]:
    definition = field.extensions.get("strawberry-definition")
    return definition.metadata if isinstance(definition, StrawberryField) else {}


def mirrors_argument_list(field: GraphQLField) -> bool:
    """Whether a payload's list has an item for each of the mutation's: of objects, not of errors."""
    return is_object_type(get_named_type(field.type))
