"""What an operation asks for below a field, so that it can be fetched along with it."""

from collections.abc import Iterator, Mapping
from itertools import chain

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)

from todo_gql.context import Info

MOST_KEPT = 2_000
LONGEST_KEPT = 10_000

Fragments = Mapping[str, FragmentDefinitionNode]

# By the identity of a node, which is kept alive with what was found for it: documents are kept,
# too, and equal nodes of two documents may spread different fragments of one name.
_below: dict[int, tuple[FieldNode, frozenset[str]]] = {}
_everywhere: dict[tuple[int, str | None], tuple[OperationDefinitionNode, frozenset[str]]] = {}


def selected_below(info: Info) -> frozenset[str]:
    """The names of all fields that may be asked for below the current one, at whatever depth."""
    raw = info._raw_info
    if len(raw.field_nodes) == 1:
        return _known_below(raw.field_nodes[0], raw.fragments)
    return frozenset().union(*(_known_below(node, raw.fragments) for node in raw.field_nodes))


def asked_everywhere(info: Info, name: str | None) -> frozenset[str]:
    """The names of what the operation may ask for of fields with this name, wherever they stand."""
    raw = info._raw_info
    key = id(raw.operation), name
    found = _everywhere.get(key)
    if found is None:
        if len(_everywhere) >= MOST_KEPT:
            _everywhere.clear()
        asked = _fields_in(raw.operation.selection_set, raw.fragments)
        if name is not None:
            parts = (_fields_at(one, raw.fragments) for one in asked if one.name.value == name)
            asked = chain.from_iterable(parts)
        found = raw.operation, frozenset(one.name.value for one in asked)
        if _is_short(raw.operation):
            _everywhere[key] = found
    return found[1]


def asked_anywhere(info: Info) -> frozenset[str]:
    """The names of all fields that the operation may ask for."""
    return asked_everywhere(info, None)


def _known_below(node: FieldNode, fragments: Fragments) -> frozenset[str]:
    found = _below.get(id(node))
    if found is None:
        if len(_below) >= MOST_KEPT:
            _below.clear()
        names = frozenset(one.name.value for one in _fields_in(node.selection_set, fragments))
        found = node, names
        if _is_short(node):
            _below[id(node)] = found
    return found[1]


def _is_short(node: Node) -> bool:
    """Whether its document, all of which a node keeps alive, is short enough to be kept."""
    return node.loc is None or len(node.loc.source.body) <= LONGEST_KEPT


def _fields_in(
    selections: SelectionSetNode | None, fragments: Fragments, *, deep: bool = True
) -> Iterator[FieldNode]:
    """All fields in a selection set, at whatever depth or else only its own."""
    spread: set[str] = set()
    waiting = [selections]
    while waiting:
        selections = waiting.pop()
        for selection in selections.selections if selections else ():
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value not in spread:
                    spread.add(selection.name.value)
                    waiting.append(fragments[selection.name.value].selection_set)
            elif isinstance(selection, InlineFragmentNode):
                waiting.append(selection.selection_set)
            elif isinstance(selection, FieldNode):
                yield selection
                if deep:
                    waiting.append(selection.selection_set)


def _fields_at(node: FieldNode, fragments: Fragments) -> Iterator[FieldNode]:
    return _fields_in(node.selection_set, fragments, deep=False)
