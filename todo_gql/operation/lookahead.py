"""Look-ahead: which fields an operation selects below the current one, so as to fetch them with it."""

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

Cache: TypeAlias = dict[Any, tuple[ref[Node], frozenset[str]]]
"""Field names by a key that holds a node's `id()`; entries are removed with their nodes."""

# Keyed by identity: equal nodes of two documents may spread different fragments of one name.
_by_field: Cache = {}
_by_operation: Cache = {}


def selected_fields(info: Info) -> frozenset[str]:
    """The names of all fields that may be selected below the current one, at any depth."""
    raw = info._raw_info
    if len(raw.field_nodes) == 1:
        return _selected_in(raw.field_nodes[0], raw.fragments)
    return frozenset().union(*(_selected_in(node, raw.fragments) for node in raw.field_nodes))


def selected_on_fields_named(info: Info, name: str | None) -> frozenset[str]:
    """The names of the fields that may be selected on any field of this name; of all if None."""
    raw = info._raw_info
    key = id(raw.operation), name
    cached = _by_operation.get(key)
    if cached is None:
        fields = _fields_in(raw.operation.selection_set, raw.fragments)
        if name is not None:
            own_fields = (
                _own_fields(one, raw.fragments) for one in fields if one.name.value == name
            )
            fields = chain.from_iterable(own_fields)
        return _cache(_by_operation, key, raw.operation, fields)
    return cached[1]


def selected_in_operation(info: Info) -> frozenset[str]:
    """The names of all fields that the operation may select."""
    return selected_on_fields_named(info, None)


def _selected_in(node: FieldNode, fragments: Fragments) -> frozenset[str]:
    cached = _by_field.get(id(node))
    if cached is None:
        return _cache(_by_field, id(node), node, _fields_in(node.selection_set, fragments))
    return cached[1]


def _cache(cache: Cache, key: Any, node: Node, fields: Iterable[FieldNode]) -> frozenset[str]:
    """The names of the fields, cached until the node is freed."""
    names = frozenset(one.name.value for one in fields)
    cache[key] = ref(node, lambda _: cache.pop(key, None)), names
    return names


def _fields_in(
    selections: SelectionSetNode | None, fragments: Fragments, *, deep: bool = True
) -> Iterator[FieldNode]:
    """All fields in a selection set: at any depth if `deep`, or else only its own."""
    visited: set[str] = set()
    stack = [selections]
    while stack:
        selections = stack.pop()
        for selection in selections.selections if selections else ():
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value not in visited:
                    visited.add(selection.name.value)
                    stack.append(fragments[selection.name.value].selection_set)
            elif isinstance(selection, InlineFragmentNode):
                stack.append(selection.selection_set)
            elif isinstance(selection, FieldNode):
                yield selection
                if deep:
                    stack.append(selection.selection_set)


def _own_fields(node: FieldNode, fragments: Fragments) -> Iterator[FieldNode]:
    return _fields_in(node.selection_set, fragments, deep=False)
