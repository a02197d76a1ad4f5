"""What each field of a schema costs."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
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

from todo_gql.api.cost_weights import BYTES_OF_AN_OBJECT, COUNTS_ALL, LENGTH, WORK, Work
from todo_gql.documents.argument_cost import ArgumentPrices, Charged, cost_of_arguments
from todo_gql.documents.cost_expression import Amount, largest, length, page_size, product, total

MUTATION_COST = 10
UNPAGED_ITEMS = 10
DEFAULT_PAGE = 50
# To count what a filter matches takes all of it, where a page ends with its last item.
COUNT_FACTOR = 2
# How long leaves are as JSON, in bytes at most: a title, and what are numbers, moments and names.
LENGTH_OF_TEXT, LENGTH_OF_OTHERS = 1024, 64
TEXTS = frozenset({"String", "JSON"})
# What a key and its quotes take beside its name, or the braces of an object.
LENGTH_OF_SIGNS = 8


class Kind(Enum):
    """How a field's cost comes about."""

    LEAF = auto()
    MUTATION = auto()
    PAGE = auto()
    WRAPPING = auto()
    LIST = auto()
    OBJECT = auto()


@dataclass(frozen=True, slots=True)
class Price:
    """What a field costs: by its kind, its arguments, and how many items these ask for.

    `own` is what it costs by itself, and `counts` whether it looks at all that its arguments match.
    `length` is how many bytes a leaf has at most, and `again` what a long one costs each time that it
    is selected once more under another name.
    """

    kind: Kind
    page: int = DEFAULT_PAGE
    sized_by: str | None = None
    own: int = 0
    counts: bool = False
    charged: Sequence[Charged] = ()
    length: int = 0
    again: int = 0

    def items(self, node: FieldNode) -> Amount | None:
        """How many items the call itself says that there are; None if it doesn't."""
        for argument in node.arguments or ():
            if argument.name.value == self.sized_by:
                return length(argument.value)
        return None

    def cost(
        self,
        node: FieldNode,
        each: Amount,
        *,
        has_objects: bool,
        selected: AbstractSet[str],
        items: Amount,
    ) -> Amount:
        """What a call costs in which an object's fields cost `each`.

        `items` is how many there are in an unpaged list, `selected` what is selected of the object,
        and `has_objects` whether that is more than leaves.
        """
        objects = self._cost_of_objects(node, each, has_objects=has_objects, items=items)
        if not self.charged:
            return objects
        times = self._times(node, selected)
        return total([objects, product(times, cost_of_arguments(node, self.charged))])

    def size(self, node: FieldNode, each: Amount, *, has_objects: bool, items: Amount) -> Amount:
        """How many bytes a call gives at most, if an object's fields take `each`."""
        if self.kind is Kind.LEAF:
            return self.length
        each = total([each, LENGTH_OF_SIGNS])
        return self._cost_of_objects(node, each, has_objects=has_objects, items=items)

    def _times(self, node: FieldNode, selected: AbstractSet[str]) -> int:
        """How often what the arguments ask for is looked for: for a page, a count, what is around."""
        if self.counts:
            return COUNT_FACTOR
        times = 1 + (COUNT_FACTOR if "totalCount" in selected else 0)
        has_cursor = any(one.name.value in {"after", "before"} for one in node.arguments or ())
        return times + (has_cursor and "pageInfo" in selected)

    def _cost_of_objects(
        self, node: FieldNode, each: Amount, *, has_objects: bool, items: Amount
    ) -> Amount:
        match self.kind:
            case Kind.LEAF:
                return self.own
            case Kind.MUTATION:
                # An item is as much work whether its result is selected or not.
                return total([MUTATION_COST, largest([each, items if self.sized_by else 0])])
            case Kind.PAGE if has_objects:
                return product(page_size(node.arguments or (), self.page), total([1, each]))
            case Kind.WRAPPING:
                return each
            case Kind.LIST:
                return product(items, total([1, each]))
            case _:
                return total([1, each])


class PriceList:
    """The prices of a schema's fields, known by its shape.

    A type with a `pageInfo` is a page: its items count once, whether they are had as `nodes` or
    as `edges`, and what wraps them is free.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        objects = [one for one in schema.type_map.values() if isinstance(one, GraphQLObjectType)]
        self._pages = {one.name for one in objects if "pageInfo" in one.fields}
        self._wrappers = self._pages | {
            get_named_type(one.fields["edges"].type).name
            for one in objects
            if one.name in self._pages and "edges" in one.fields
        }
        self._mutation = schema.mutation_type
        self._arguments = ArgumentPrices()
        self._known: dict[tuple[str, str], Price] = {}

    def price(self, parent: GraphQLObjectType, name: str, field: GraphQLField) -> Price:
        """The price of a field of an object type."""
        key = parent.name, name
        if key not in self._known:
            self._known[key] = self._price(parent, field)
        return self._known[key]

    def _price(self, parent: GraphQLObjectType, field: GraphQLField) -> Price:
        named = get_named_type(field.type)
        is_list = is_list_type(get_nullable_type(field.type))
        sized_by = _sizing_argument(field)
        metadata, charged = _metadata(field), self._arguments.charged(field.args)
        if is_leaf_type(named):
            work = metadata.get(WORK)
            own = work.price if isinstance(work, Work) else 0
            usual = LENGTH_OF_TEXT if named.name in TEXTS else LENGTH_OF_OTHERS
            length = int(metadata.get(LENGTH, usual))
            return Price(Kind.LEAF, own=own, length=length, again=length // BYTES_OF_AN_OBJECT)
        if parent is self._mutation:
            return Price(Kind.MUTATION, sized_by=sized_by)
        if parent.name in self._wrappers:
            return Price(Kind.WRAPPING)
        if named.name in self._pages:
            page = int(metadata.get("default_page", DEFAULT_PAGE))
            return Price(Kind.PAGE, page=page, charged=charged)
        kind, counts = Kind.LIST if is_list else Kind.OBJECT, COUNTS_ALL in metadata
        return Price(kind, sized_by=sized_by, counts=counts, charged=charged)


def _sizing_argument(field: GraphQLField) -> str | None:
    """The argument that has to be a list, one item of the answer for each of its own."""
    for name, argument in field.args.items():
        if isinstance(argument.type, GraphQLNonNull) and is_list_type(argument.type.of_type):
            return name
    return None


def _metadata(field: GraphQLField) -> Mapping[Any, Any]:
    definition = field.extensions.get("strawberry-definition")
    return definition.metadata if isinstance(definition, StrawberryField) else {}


def has_one_item_for_each(field: GraphQLField) -> bool:
    """Whether a payload's list has an item for each of the call: of objects, not of errors."""
    return is_object_type(get_named_type(field.type))
