"""What an operation asks for below a field, so that it can be fetched along with it."""

from collections.abc import Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from todo_gql.context import Info

MOST_KEPT = 2_000

# By the identity of a node, which is kept alive with what was found for it: documents are kept,
# too, and equal nodes of two documents may spread different fragments of one name.
_found: dict[int, tuple[FieldNode, frozenset[str]]] = {}


def selected_below(info: Info) -> frozenset[str]:
    """The names of all fields that may be asked for below the current one, at whatever depth."""
    raw = info._raw_info
    return frozenset().union(*(_known_below(node, raw.fragments) for node in raw.field_nodes))


def _known_below(
    node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> frozenset[str]:
    found = _found.get(id(node))
    if found is None:
        if len(_found) >= MOST_KEPT:
            _found.clear()
        found = _found[id(node)] = node, _below(node, fragments)
    return found[1]


def _below(node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]) -> frozenset[str]:
    names: set[str] = set()
    spread: set[str] = set()
    waiting: list[SelectionSetNode | None] = [node.selection_set]
    while waiting:
        selections = waiting.pop()
        for selection in selections.selections if selections else ():
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value not in spread:
                    spread.add(selection.name.value)
                    waiting.append(fragments[selection.name.value].selection_set)
                continue
            if isinstance(selection, FieldNode):
                names.add(selection.name.value)
            if isinstance(selection, FieldNode | InlineFragmentNode):
                waiting.append(selection.selection_set)
    return frozenset(names)
