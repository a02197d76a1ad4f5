"""What an operation asks for below a field, so that it can be fetched along with it."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeAlias
from weakref import ref

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    SelectionSetNode,
)

from todo_gql.operation.context import Info

Fragments = Mapping[str, FragmentDefinitionNode]

Known: TypeAlias = dict[Any, tuple[ref[Node], frozenset[str]]]
"""What was found for nodes, by what holds their identity; it goes when they go."""

# Equal nodes of two documents may spread different fragments of one name.
_below: Known = {}
_everywhere: Known = {}


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
        asked = _fields_in(raw.operation.selection_set, raw.fragments)
        if name is not None:
            parts = (_fields_at(one, raw.fragments) for one in asked if one.name.value == name)
            asked = chain.from_iterable(parts)
        return _kept(_everywhere, key, raw.operation, asked)
    return found[1]


def asked_anywhere(info: Info) -> frozenset[str]:
    """The names of all fields that the operation may ask for."""
    return asked_everywhere(info, None)


def _known_below(node: FieldNode, fragments: Fragments) -> frozenset[str]:
    found = _below.get(id(node))
    if found is None:
        return _kept(_below, id(node), node, _fields_in(node.selection_set, fragments))
    return found[1]


def _kept(known: Known, key: Any, node: Node, fields: Iterable[FieldNode]) -> frozenset[str]:
    """The names of fields, kept for as long as the node is there."""
    names = frozenset(one.name.value for one in fields)
    known[key] = ref(node, lambda _: known.pop(key, None)), names
    return names


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
