"""What arguments have the database look through, which no number of objects tells."""

from dataclasses import dataclass
from typing import Final

WORK: Final = "work"
"""Where the metadata of an argument, or of a field of an input or an output, has its `Work`."""

COUNTS_ALL: Final = "counts"
"""In the metadata of a field that looks at all that its arguments match, as `totalCount` does."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a value costs by being given, in objects.

    Of a list so many `items` count, the first `free` of them aren't charged. `unless` is what stands
    for nothing to do, as null does.
    """

    price: int
    items: int = 1
    free: int = 0
    unless: object = None

    def of(self, value: object) -> int:
        """The cost of a value, which needn't be a valid one."""
        if value is None or value == self.unless:
            return 0
        number = min(len(value), self.items) if isinstance(value, list) else 1
        return self.price * max(0, number - self.free)


LENGTH: Final = "length"
"""In the metadata of a leaf that may be long: its length as JSON, in bytes at most."""

BYTES_OF_AN_OBJECT: Final = 4096
"""How many bytes of an answer cost as much as an object, where bytes are charged."""

FILTER: Final = Work(50)
"""A filter that leaves anything out: at worst everything is read, and nothing found."""

COMPARISON: Final = Work(10)
SEARCH: Final = Work(100, unless="")
EVERY_TAG: Final = Work(40, items=11)
TAG: Final = Work(100)
IN_TRASH: Final = Work(10, unless=False)
MORE_SORT_KEYS: Final = Work(50, items=2, free=1)
"""One key is read from an index; with more of them everything is sorted."""

FEW_ROWS: Final = Work(20, unless="")
"""What is looked through that there are few of, such as tags."""
