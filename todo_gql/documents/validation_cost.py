"""How much work validation has with a document, found before it is validated."""

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

# Fields that are merged, and pairs of them that validation compares; a hundred or two are usual.
MAX_WORK = 20_000
WORK_OF_A_PAIR = 20
WORK_OF_TWO_SPREADS = 6

SelectionSets: TypeAlias = tuple[SelectionSetNode, ...]


class TooLarge(Exception):
    """A document that isn't examined any further, with what is wrong with it."""


class Work:
    """Adds up the work that a document makes."""

    def __init__(self) -> None:
        self.done = 0

    def merge(self, nodes: int, weight: int = 1) -> None:
        """Count nodes that are compared with each other; `TooLarge` when it is too much by now."""
        self.done += nodes + nodes * (nodes - 1) // 2 * weight
        if self.done > MAX_WORK:
            raise TooLarge(
                "The document selects the same fields too often. Select each once, or spread"
                " fewer fragments."
            )


def check_size(document: DocumentNode, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
    """`TooLarge` if the selection sets of a document are too much to be compared.

    Validation looks at all of them: in fragments that nobody spreads, that spread each other in a
    circle, or that are on another type. So fields are merged here whatever they are selected of.
    """
    work, seen = Work(), set[tuple[int, ...]]()
    for definition in document.definitions:
        if not isinstance(definition, ExecutableDefinitionNode):
            continue
        waiting: list[SelectionSets] = [(definition.selection_set,)]
        while waiting:
            sets = waiting.pop()
            key = tuple(map(id, sets))
            if key in seen:
                continue
            seen.add(key)
            for nodes in _merged(sets, fragments, work):
                below = tuple(node.selection_set for node in nodes if node.selection_set)
                work.merge(len(nodes), WORK_OF_A_PAIR if below else 1)
                if below:
                    waiting.append(below)


def _merged(
    sets: SelectionSets, fragments: Mapping[str, FragmentDefinitionNode], work: Work
) -> list[list[FieldNode]]:
    """The fields of the same name in the answer; each named fragment is taken in once."""
    merged: dict[str, list[FieldNode]] = {}
    spread, side_by_side = set[str](), set[str]()
    waiting = [(one, True) for one in sets]
    while waiting:
        selection_set, is_own = waiting.pop()
        for selection in selection_set.selections:
            work.merge(1)
            if isinstance(selection, FieldNode):
                name = (selection.alias or selection.name).value
                merged.setdefault(name, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                waiting.append((selection.selection_set, is_own))
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if is_own:
                    side_by_side.add(name)
                if name not in spread:
                    spread.add(name)
                    if fragment := fragments.get(name):
                        waiting.append((fragment.selection_set, False))
    if len(side_by_side) > 1:
        # Each of what two fragments spread is compared with each of the other.
        work.merge(len(spread), WORK_OF_TWO_SPREADS)
    return list(merged.values())
