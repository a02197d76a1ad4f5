"""Look-ahead: which fields an operation selects below the current one, so as to fetch them with it.

Each operation is searched once for each field: the results are stored with the prepared operation
(`Context.selected_fields`), by the `id()` of a node, which it keeps, or by a field's name.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from todo_gql.operation.context import Info, SelectedFields

Fragments = Mapping[str, FragmentDefinitionNode]


def selected_fields(info: Info) -> frozenset[str]:
    """The names of all fields that may be selected below the current one, at any depth."""
    raw = info._raw_info
    # Strawberry's `info.context` is a property, whose call takes as long as the look-up.
    cache: SelectedFields = raw.context.selected_fields
    if len(raw.field_nodes) == 1:
        return _selected_in(raw.field_nodes[0], raw.fragments, cache)
    return frozenset().union(
        *(_selected_in(node, raw.fragments, cache) for node in raw.field_nodes)
    )


def selected_on_fields_named(info: Info, name: str | None) -> frozenset[str]:
    """The names of the fields that may be selected on any field of this name; of all if None."""
    raw = info._raw_info
    cache: SelectedFields = raw.context.selected_fields
    names = cache.get(name)
    if names is None:
        fields = _fields_in(raw.operation.selection_set, raw.fragments)
        if name is not None:
            own_fields = (
                _own_fields(one, raw.fragments) for one in fields if one.name.value == name
            )
            fields = chain.from_iterable(own_fields)
        names = cache[name] = _names(fields)
    return names


def selected_in_operation(info: Info) -> frozenset[str]:
    """The names of all fields that the operation may select."""
    return selected_on_fields_named(info, None)


def _selected_in(node: FieldNode, fragments: Fragments, cache: SelectedFields) -> frozenset[str]:
    names = cache.get(id(node))
    if names is None:
        names = cache[id(node)] = _names(_fields_in(node.selection_set, fragments))
    return names


def _names(fields: Iterable[FieldNode]) -> frozenset[str]:
    return frozenset(field.name.value for field in fields)


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
