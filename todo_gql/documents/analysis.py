"""How large a document's operations are, found in one pass over what would be executed."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    get_named_type,
    is_abstract_type,
    is_object_type,
)

from todo_gql.documents.cost_expression import Amount, largest, total
from todo_gql.documents.field_cost import (
    LENGTH_OF_SIGNS,
    UNPAGED_ITEMS,
    Kind,
    Price,
    PriceList,
    has_one_item_for_each,
)
from todo_gql.documents.validation_cost import WORK_OF_A_PAIR, SelectionSets, TooLarge, Work

# The usual introspection query is 15 deep.
INTROSPECTION_DEPTH = 50
INTROSPECTION = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
# What is told of the schema may be long, in bytes, since it has no cost.
SIZE_OF_A_SCHEMA = 2**40


@dataclass(frozen=True, slots=True)
class Level:
    """What is selected of one object, everything below included."""

    depth: int = 0
    aliases: int = 0
    cost: Amount = 0
    size: Amount = 0
    has_objects: bool = False
    selected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Measure:
    """The size of an operation: the names of its root fields by their names in the answer.

    `size` is how many bytes the answer has at most; roughly, as some lists are longer than counted.
    `event_cost` is what is selected of each event of a subscription, and 0 for all else.
    """

    root_fields: Mapping[str, str]
    aliases: int
    cost: Amount
    size: Amount
    event_cost: Amount = 0


class Measuring:
    """The measuring of one document; `TooLarge` as soon as that is clear.

    Fields are merged as when they are executed, and what is selected of a type by the same
    selection sets is looked at once, so that fragments that spread each other cost nothing more.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        prices: PriceList,
        fragments: Mapping[str, FragmentDefinitionNode],
        max_depth: int,
    ) -> None:
        self.schema = schema
        self.prices = prices
        self.fragments = fragments
        self.max_depth = max_depth
        self.levels: dict[tuple[object, ...], Level] = {}
        self.work = Work()

    def operation(self, node: OperationDefinitionNode) -> Measure:
        """The size of one operation."""
        root = self.schema.get_root_type(node.operation)
        sets = (node.selection_set,)
        level = self._level(root, sets, self.max_depth, None)
        merged = self._merged(root, sets)
        names = {key: nodes[0].name.value for key, nodes in merged.items()}
        event_cost: Amount = 0
        if node.operation is OperationType.SUBSCRIPTION:
            event_cost = total(self._event(root, nodes) for nodes in merged.values())
        return Measure(names, level.aliases, level.cost, level.size, event_cost)

    def _event(self, root: GraphQLNamedType | None, nodes: list[FieldNode]) -> Amount:
        """What is selected of what a root field gives, without what the field's arguments cost."""
        name, below = nodes[0].name.value, _below(nodes)
        field = root.fields.get(name) if isinstance(root, GraphQLObjectType) else None
        type_ = get_named_type(field.type) if field else None
        return total([1, self._level(type_, below, self.max_depth - 1, None).cost])

    def _level(
        self,
        parent: GraphQLNamedType | None,
        sets: SelectionSets,
        allowed: int,
        items: Amount | None,
    ) -> Level:
        """What `sets` select of an object of a type; `items` is how many its lists have."""
        if not sets:
            return Level()
        key = (parent and parent.name, tuple(map(id, sets)), items)
        level = self.levels.get(key)
        if level is None:
            if allowed == 0:
                raise self._too_deep()
            if is_abstract_type(parent):
                types = self.schema.get_possible_types(parent)
                level = _any_of([self._level(one, sets, allowed, items) for one in types])
            else:
                level = self._fields(parent, sets, allowed, items)
            self.levels[key] = level
        if level.depth > allowed:
            raise self._too_deep()
        return level

    def _too_deep(self) -> TooLarge:
        return TooLarge(f"An operation may be nested {self.max_depth} deep; this one is deeper.")

    def _fields(
        self,
        parent: GraphQLNamedType | None,
        sets: SelectionSets,
        allowed: int,
        items: Amount | None,
    ) -> Level:
        depth, aliases, has_objects = 0, 0, False
        costs, sizes, selected, wrapped = list[Amount](), list[Amount](), set[str](), 0
        for key, nodes in self._merged(parent, sets).items():
            first = nodes[0]
            below = _below(nodes)
            self.work.merge(len(nodes), WORK_OF_A_PAIR if below else 1)
            aliases += first.alias is not None
            has_objects |= bool(below)
            name = first.name.value
            is_again = name in selected
            selected.add(name)
            if definition := INTROSPECTION.get(name):
                type_ = get_named_type(definition.type)
                aliases += self._level(type_, below, INTROSPECTION_DEPTH, None).aliases
                sizes.append(SIZE_OF_A_SCHEMA if below else 0)
                continue
            level, price, cost, size = self._field(parent, first, below, allowed, items)
            depth = max(depth, 1 + level.depth)
            aliases += level.aliases
            costs += [cost, price.again] if price and is_again else [cost]
            sizes += [size, len(key) + LENGTH_OF_SIGNS]
            wrapped += price is not None and price.kind is Kind.WRAPPING and name != "pageInfo"
        # Each item that is wrapped is made once more for each other selection of it.
        costs.append(max(0, wrapped - 1))
        return Level(depth, aliases, total(costs), total(sizes), has_objects, frozenset(selected))

    def _field(
        self,
        parent: GraphQLNamedType | None,
        node: FieldNode,
        below: SelectionSets,
        allowed: int,
        items: Amount | None,
    ) -> tuple[Level, Price | None, Amount, Amount]:
        """What is below a field, its price, and what all of it costs and how long it may be.

        Unknown fields are left to validation.
        """
        name = node.name.value
        field = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        if field is None or not isinstance(parent, GraphQLObjectType):
            return self._level(None, below, allowed - 1, None), None, 0, 0
        price = self.prices.price(parent, name, field)
        own = price.items(node)
        in_payload = own if price.kind is Kind.MUTATION else None
        level = self._level(get_named_type(field.type), below, allowed - 1, in_payload)
        if own is None and items is not None and has_one_item_for_each(field):
            own = items
        items, has_objects = UNPAGED_ITEMS if own is None else own, level.has_objects
        cost = price.cost(
            node, level.cost, has_objects=has_objects, selected=level.selected, items=items
        )
        size = price.size(node, level.size, has_objects=has_objects, items=items)
        return level, price, cost, size

    def _merged(
        self, parent: GraphQLNamedType | None, sets: SelectionSets
    ) -> dict[str, list[FieldNode]]:
        """The fields by their names in the answer; each named fragment is taken in once."""
        merged: dict[str, list[FieldNode]] = {}
        spread = set[str]()
        waiting = list(reversed(sets))
        while waiting:
            for selection in waiting.pop().selections:
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    merged.setdefault(name, []).append(selection)
                elif isinstance(selection, InlineFragmentNode):
                    if self._applies(parent, selection):
                        waiting.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    fragment = self.fragments.get(name)
                    if fragment and name not in spread and self._applies(parent, fragment):
                        spread.add(name)
                        waiting.append(fragment.selection_set)
                self.work.merge(1)
        return merged

    def _applies(
        self, parent: GraphQLNamedType | None, fragment: InlineFragmentNode | FragmentDefinitionNode
    ) -> bool:
        condition = fragment.type_condition
        if condition is None or parent is None or condition.name.value == parent.name:
            return True
        type_ = self.schema.get_type(condition.name.value)
        return (
            is_abstract_type(type_)
            and is_object_type(parent)
            and self.schema.is_sub_type(type_, parent)
        )


def _below(nodes: list[FieldNode]) -> SelectionSets:
    """What is selected of a field that is merged from these."""
    return tuple(node.selection_set for node in nodes if node.selection_set)


def _any_of(levels: list[Level]) -> Level:
    """The most that an object may have of which one of these is selected."""
    return Level(
        max((level.depth for level in levels), default=0),
        max((level.aliases for level in levels), default=0),
        largest(level.cost for level in levels),
        largest(level.size for level in levels),
        any(level.has_objects for level in levels),
        frozenset().union(*(level.selected for level in levels)),
    )


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """A document's fragments by name."""
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def has_cycle(fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    """Whether a fragment spreads itself, on whatever way."""
    spreads = {name: _spreads(one.selection_set) for name, one in fragments.items()}
    open_, done = set[str](), set[str]()
    for start in fragments:
        waiting = [(start, False)]
        while waiting:
            name, is_left = waiting.pop()
            if is_left:
                open_.discard(name)
                done.add(name)
            elif name in open_:
                return True
            elif name not in done:
                open_.add(name)
                waiting.append((name, True))
                waiting += [(other, False) for other in spreads.get(name, ()) if other not in done]
    return False


def _spreads(selection_set: SelectionSetNode) -> set[str]:
    spreads, waiting = set[str](), [selection_set]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FragmentSpreadNode):
                spreads.add(selection.name.value)
            elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                waiting.append(selection.selection_set)
    return spreads
