"""Static query analysis: depth, aliases, cost and response size of a document's operations.

One pass over the selection sets, merged as during execution.
"""

from collections.abc import Iterable, Mapping
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

from todo_gql.documents.cost_expression import Cost, maximum, total
from todo_gql.documents.field_cost import (
    ASSUMED_LIST_SIZE,
    PUNCTUATION_BYTES,
    CostKind,
    CostModel,
    FieldCost,
    mirrors_argument_list,
)
from todo_gql.documents.validation_cost import (
    SUBSELECTION_PAIR_WEIGHT,
    MergeBudget,
    SelectionSets,
    TooLarge,
)

# The usual introspection query has a depth of 15.
INTROSPECTION_DEPTH = 50
INTROSPECTION = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
# Introspection has no cost that would limit its size, so its response counts as large, in bytes.
INTROSPECTION_BYTES = 2**40


@dataclass(frozen=True, slots=True)
class SelectionCost:
    """The depth, aliases, cost and bytes of what is selected of one object, with all below it.

    `selected` holds the names of its own fields; `has_objects` is whether any has a subselection.
    """

    depth: int = 0
    aliases: int = 0
    cost: Cost = 0
    size: Cost = 0
    has_objects: bool = False
    selected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OperationStats:
    """The result of analyzing an operation.

    `root_fields` maps response names to field names. `cost` is in cost units. `size` is the maximum
    size of the response in bytes, approximately: a list may be longer than its assumed size.
    `event_cost` is the cost of one event of a subscription, and 0 for other operations.
    """

    root_fields: Mapping[str, str]
    aliases: int
    cost: Cost
    size: Cost
    event_cost: Cost = 0


class OperationAnalyzer:
    """Analyzes the operations of one document; raises `TooLarge` as early as possible.

    Fields are merged as during execution. The result for a type and a tuple of selection sets is
    cached, so that fragments which spread each other many times don't multiply the work.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        cost_model: CostModel,
        fragments: Mapping[str, FragmentDefinitionNode],
        max_depth: int,
    ) -> None:
        self.schema = schema
        self.cost_model = cost_model
        self.fragments = fragments
        self.max_depth = max_depth
        self.budget = MergeBudget()
        self._cache: dict[tuple[object, ...], SelectionCost] = {}

    def analyze(self, node: OperationDefinitionNode) -> OperationStats:
        """Analyze one operation; raises `TooLarge` if it is too deep or takes too long."""
        root = self.schema.get_root_type(node.operation)
        selection_sets = (node.selection_set,)
        selection = self._selection_cost(root, selection_sets, self.max_depth, None)
        fields = self._collect_fields(root, selection_sets)
        names = {key: nodes[0].name.value for key, nodes in fields.items()}
        event_cost: Cost = 0
        if node.operation is OperationType.SUBSCRIPTION:
            event_cost = total(self._event_cost(root, nodes) for nodes in fields.values())
        return OperationStats(names, selection.aliases, selection.cost, selection.size, event_cost)

    def _event_cost(self, root: GraphQLNamedType | None, nodes: list[FieldNode]) -> Cost:
        """The cost of one value of a root field, without the cost of the field's arguments."""
        name, selection_sets = nodes[0].name.value, _merge_selection_sets(nodes)
        field = root.fields.get(name) if isinstance(root, GraphQLObjectType) else None
        type_ = get_named_type(field.type) if field else None
        selection = self._selection_cost(type_, selection_sets, self.max_depth - 1, None)
        return total([1, selection.cost])

    def _selection_cost(
        self,
        parent: GraphQLNamedType | None,
        selection_sets: SelectionSets,
        depth_left: int,
        items: Cost | None,
    ) -> SelectionCost:
        """The cost of what is selected of an object of a type; `items` is the size of its lists."""
        if not selection_sets:
            return SelectionCost()
        key = (parent and parent.name, tuple(map(id, selection_sets)), items)
        selection = self._cache.get(key)
        if selection is None:
            if depth_left == 0:
                raise self._too_deep()
            if is_abstract_type(parent):
                selection = _maximum_of(
                    self._selection_cost(one, selection_sets, depth_left, items)
                    for one in self.schema.get_possible_types(parent)
                )
            else:
                selection = self._object_cost(parent, selection_sets, depth_left, items)
            self._cache[key] = selection
        if selection.depth > depth_left:
            raise self._too_deep()
        return selection

    def _too_deep(self) -> TooLarge:
        return TooLarge(
            f"An operation may be nested at most {self.max_depth} deep; this one is deeper."
        )

    def _object_cost(
        self,
        parent: GraphQLNamedType | None,
        selection_sets: SelectionSets,
        depth_left: int,
        items: Cost | None,
    ) -> SelectionCost:
        depth, aliases, has_objects = 0, 0, False
        costs, sizes, selected, transparent = list[Cost](), list[Cost](), set[str](), 0
        for key, nodes in self._collect_fields(parent, selection_sets).items():
            first = nodes[0]
            merged = _merge_selection_sets(nodes)
            self.budget.spend(len(nodes), SUBSELECTION_PAIR_WEIGHT if merged else 1)
            aliases += first.alias is not None
            has_objects |= bool(merged)
            name = first.name.value
            is_repeated = name in selected
            selected.add(name)
            if definition := INTROSPECTION.get(name):
                type_ = get_named_type(definition.type)
                aliases += self._selection_cost(type_, merged, INTROSPECTION_DEPTH, None).aliases
                sizes.append(INTROSPECTION_BYTES if merged else 0)
                continue
            below, field_cost, cost, size = self._field_cost(
                parent, first, merged, depth_left, items
            )
            depth = max(depth, 1 + below.depth)
            aliases += below.aliases
            costs += [cost, field_cost.repeat_cost] if field_cost and is_repeated else [cost]
            sizes += [size, len(key) + PUNCTUATION_BYTES]
            transparent += (
                field_cost is not None
                and field_cost.kind is CostKind.TRANSPARENT
                and name != "pageInfo"
            )
        # Each further selection of a connection's items creates a wrapper per item again.
        costs.append(max(0, transparent - 1))
        return SelectionCost(
            depth, aliases, total(costs), total(sizes), has_objects, frozenset(selected)
        )

    def _field_cost(
        self,
        parent: GraphQLNamedType | None,
        node: FieldNode,
        selection_sets: SelectionSets,
        depth_left: int,
        items: Cost | None,
    ) -> tuple[SelectionCost, FieldCost | None, Cost, Cost]:
        """The cost of a field's subselection, its cost in the model, its total cost, and its bytes.

        Unknown fields cost nothing; validation rejects them.
        """
        name = node.name.value
        field = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        if field is None or not isinstance(parent, GraphQLObjectType):
            return self._selection_cost(None, selection_sets, depth_left - 1, None), None, 0, 0
        field_cost = self.cost_model.field_cost(parent, name, field)
        own = field_cost.list_size(node)
        of_payload = own if field_cost.kind is CostKind.MUTATION else None
        type_ = get_named_type(field.type)
        below = self._selection_cost(type_, selection_sets, depth_left - 1, of_payload)
        if own is None and items is not None and mirrors_argument_list(field):
            own = items
        items, has_objects = ASSUMED_LIST_SIZE if own is None else own, below.has_objects
        cost = field_cost.cost(
            node, below.cost, has_objects=has_objects, selected=below.selected, items=items
        )
        size = field_cost.size(node, below.size, has_objects=has_objects, items=items)
        return below, field_cost, cost, size

    def _collect_fields(
        self, parent: GraphQLNamedType | None, selection_sets: SelectionSets
    ) -> dict[str, list[FieldNode]]:
        """The fields grouped by response name (CollectFields, GraphQL section 6.3.2).

        Each named fragment is visited once. `@skip` and `@include` are ignored.
        """
        fields: dict[str, list[FieldNode]] = {}
        visited = set[str]()
        stack = list(reversed(selection_sets))
        while stack:
            for selection in stack.pop().selections:
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    fields.setdefault(name, []).append(selection)
                elif isinstance(selection, InlineFragmentNode):
                    if self._applies(parent, selection):
                        stack.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    fragment = self.fragments.get(name)
                    if fragment and name not in visited and self._applies(parent, fragment):
                        visited.add(name)
                        stack.append(fragment.selection_set)
                self.budget.spend(1)
        return fields

    def _applies(
        self, parent: GraphQLNamedType | None, fragment: InlineFragmentNode | FragmentDefinitionNode
    ) -> bool:
        """Whether the fragment's type condition holds for objects of the parent type."""
        condition = fragment.type_condition
        if condition is None or parent is None or condition.name.value == parent.name:
            return True
        type_ = self.schema.get_type(condition.name.value)
        return (
            is_abstract_type(type_)
            and is_object_type(parent)
            and self.schema.is_sub_type(type_, parent)
        )


def _merge_selection_sets(nodes: list[FieldNode]) -> SelectionSets:
    """The selection sets of the field nodes of one response name."""
    return tuple(node.selection_set for node in nodes if node.selection_set)


def _maximum_of(candidates: Iterable[SelectionCost]) -> SelectionCost:
    """The maximum over the possible types of an abstract type."""
    costs = list(candidates)
    return SelectionCost(
        max((one.depth for one in costs), default=0),
        max((one.aliases for one in costs), default=0),
        maximum(one.cost for one in costs),
        maximum(one.size for one in costs),
        any(one.has_objects for one in costs),
        frozenset().union(*(one.selected for one in costs)),
    )


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragment definitions of a document, by name."""
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def has_cycle(fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    """Whether a fragment spreads itself, directly or through others."""
    spreads = {name: _spreads(one.selection_set) for name, one in fragments.items()}
    on_path, done = set[str](), set[str]()
    for start in fragments:
        stack = [(start, False)]
        while stack:
            name, is_finished = stack.pop()
            if is_finished:
                on_path.discard(name)
                done.add(name)
            elif name in on_path:
                return True
            elif name not in done:
                on_path.add(name)
                stack.append((name, True))
                stack += [(other, False) for other in spreads.get(name, ()) if other not in done]
    return False


def _spreads(selection_set: SelectionSetNode) -> set[str]:
    spreads, stack = set[str](), [selection_set]
    while stack:
        for selection in stack.pop().selections:
            if isinstance(selection, FragmentSpreadNode):
                spreads.add(selection.name.value)
            elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                stack.append(selection.selection_set)
    return spreads
