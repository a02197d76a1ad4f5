"""A bound on the work of validating a document, checked before it is validated.

The rule "Field Selection Merging" (GraphQL, section 5.3.2) compares fields pairwise, so its time grows
with the square of the number of fields of one response name.
"""

from collections.abc import Mapping
from typing import TypeAlias

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

# Fields that are merged, and pairs of them that are compared; usual documents need 100 to 200.
MAX_COMPARISONS = 20_000
# The weight of comparing two fields that have selection sets, and of comparing two fragment spreads.
SUBSELECTION_PAIR_WEIGHT = 20
SPREAD_PAIR_WEIGHT = 6

SelectionSets: TypeAlias = tuple[SelectionSetNode, ...]
"""The selection sets that are merged because their fields have the same response name."""


class TooLarge(Exception):
    """The document is too large or too deep to analyze further; the message says in which respect."""


class MergeBudget:
    """Counts the comparisons that merging a document's fields takes."""

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, nodes: int, pair_weight: int = 1) -> None:
        """Count merging `nodes` fields of one response name.

        Raises `TooLarge` once more than `MAX_COMPARISONS` are spent.
        """
        self.spent += nodes + nodes * (nodes - 1) // 2 * pair_weight
        if self.spent > MAX_COMPARISONS:
            raise TooLarge(
                "The document selects the same fields too often. Select each once, or spread"
                " fewer fragments."
            )


def check_size(document: DocumentNode, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
    """Raise `TooLarge` if comparing the selection sets of a document takes too long.

    Validation also compares those of fragments that are unused, that spread each other in a cycle, or
    whose type condition doesn't apply. So types are ignored here: all fields of one response name count.
    """
    budget, seen = MergeBudget(), set[tuple[int, ...]]()
    for definition in document.definitions:
        if not isinstance(definition, ExecutableDefinitionNode):
            continue
        stack: list[SelectionSets] = [(definition.selection_set,)]
        while stack:
            selection_sets = stack.pop()
            key = tuple(map(id, selection_sets))
            if key in seen:
                continue
            seen.add(key)
            for nodes in _collect_fields(selection_sets, fragments, budget):
                merged = tuple(node.selection_set for node in nodes if node.selection_set)
                budget.spend(len(nodes), SUBSELECTION_PAIR_WEIGHT if merged else 1)
                if merged:
                    stack.append(merged)


def _collect_fields(
    selection_sets: SelectionSets,
    fragments: Mapping[str, FragmentDefinitionNode],
    budget: MergeBudget,
) -> list[list[FieldNode]]:
    """The fields grouped by response name; each named fragment is visited once."""
    fields: dict[str, list[FieldNode]] = {}
    visited, direct_spreads = set[str](), set[str]()
    stack = [(one, True) for one in selection_sets]
    while stack:
        selection_set, is_direct = stack.pop()
        for selection in selection_set.selections:
            budget.spend(1)
            if isinstance(selection, FieldNode):
                name = (selection.alias or selection.name).value
                fields.setdefault(name, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                stack.append((selection.selection_set, is_direct))
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if is_direct:
                    direct_spreads.add(name)
                if name not in visited:
                    visited.add(name)
                    if fragment := fragments.get(name):
                        stack.append((fragment.selection_set, False))
    if len(direct_spreads) > 1:
        # Validation compares all fragments reached from one spread with those of the other.
        budget.spend(len(visited), SPREAD_PAIR_WEIGHT)
    return list(fields.values())
