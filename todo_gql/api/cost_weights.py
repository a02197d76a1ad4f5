"""Cost weights of arguments and fields, beside the number of objects that they return.

A unit of cost is one object of a response. These weights stand for the rows that the database reads
for a filter, a sort or a count. As with IBM's `@cost(weight:)` directive
(https://ibm.github.io/graphql-specs/cost-spec.html), they are written beside the argument or field.
"""

from dataclasses import dataclass
from typing import Final

COST_WEIGHT: Final = "cost_weight"
"""Metadata key of an argument, an input field or a leaf field: its `CostWeight`."""

COUNTS_ALL: Final = "counts"
"""Metadata key of a field that reads all rows that its arguments match, as `totalCount` does."""


@dataclass(frozen=True, slots=True)
class CostWeight:
    """What a value of an argument costs, in cost units.

    Of a list, each of the first `max_items` items costs `weight`, except the first `free_items`. A
    value equal to `no_op`, and null, cost nothing.
    """

    weight: int
    max_items: int = 1
    free_items: int = 0
    no_op: object = None

    def cost_of(self, value: object) -> int:
        """The cost of a value, valid or not."""
        if value is None or value == self.no_op:
            return 0
        items = min(len(value), self.max_items) if isinstance(value, list) else 1
        return self.weight * max(0, items - self.free_items)


MAX_BYTES: Final = "max_bytes"
"""Metadata key of a leaf field that may be long: its maximum length as JSON, in bytes."""

BYTES_PER_OBJECT: Final = 4096
"""The bytes of a response that cost as much as one object, where bytes are charged."""

FILTER: Final = CostWeight(50)
"""A filter: in the worst case all rows are read and none matches."""

FACETS: Final = CostWeight(200)
"""A filter whose todos are counted by each of their values."""

COMPARISON: Final = CostWeight(10)
SEARCH: Final = CostWeight(100, no_op="")
EVERY_TAG: Final = CostWeight(40, max_items=11)
TAG: Final = CostWeight(100)
IN_TRASH: Final = CostWeight(10, no_op=False)
MORE_SORT_KEYS: Final = CostWeight(50, max_items=2, free_items=1)
"""An index yields the rows sorted by one key; with more keys all rows are sorted."""

FEW_ROWS: Final = CostWeight(20, no_op="")
"""A search through a small table, such as tags."""
