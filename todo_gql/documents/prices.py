"""What each field of a schema costs."""

from dataclasses import dataclass
from enum import Enum, auto

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

from todo_gql.documents.amounts import Amount, length, page_size, product, total

MUTATION_COST = 10
UNPAGED_ITEMS = 10
DEFAULT_PAGE = 50


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
    """What a field costs: by its kind, and by the argument that says how many items there are."""

    kind: Kind
    page: int = DEFAULT_PAGE
    sized_by: str | None = None

    def items(self, node: FieldNode) -> Amount | None:
        """How many items the call itself says that there are; None if it doesn't."""
        for argument in node.arguments or ():
            if argument.name.value == self.sized_by:
                return length(argument.value)
        return None

    def cost(self, node: FieldNode, each: Amount, *, has_objects: bool, items: Amount) -> Amount:
        """What a call costs in which an object's fields cost `each`.

        `items` is how many there are in an unpaged list, and `has_objects` whether more than
        leaves is selected.
        """
        match self.kind:
            case Kind.LEAF:
                return 0
            case Kind.MUTATION:
                return total([MUTATION_COST, each])
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
        if is_leaf_type(named):
            return Price(Kind.LEAF)
        if parent is self._mutation:
            return Price(Kind.MUTATION, sized_by=sized_by)
        if parent.name in self._wrappers:
            return Price(Kind.WRAPPING)
        if named.name in self._pages:
            return Price(Kind.PAGE, page=_default_page(field))
        return Price(Kind.LIST if is_list else Kind.OBJECT, sized_by=sized_by)


def _sizing_argument(field: GraphQLField) -> str | None:
    """The argument that has to be a list, one item of the answer for each of its own."""
    for name, argument in field.args.items():
        if isinstance(argument.type, GraphQLNonNull) and is_list_type(argument.type.of_type):
            return name
    return None


def _default_page(field: GraphQLField) -> int:
    definition = field.extensions.get("strawberry-definition")
    metadata = definition.metadata if isinstance(definition, StrawberryField) else {}
    return int(metadata.get("default_page", DEFAULT_PAGE))


def has_one_item_for_each(field: GraphQLField) -> bool:
    """Whether a payload's list has an item for each of the call: of objects, not of errors."""
    return is_object_type(get_named_type(field.type))
