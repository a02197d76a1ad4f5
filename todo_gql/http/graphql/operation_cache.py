"""Operations that were prepared before, by the texts of their documents."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from todo_gql.documents.parsing import ErrorEntry
from todo_gql.documents.steps import Steps

Prepared = TypeVar("Prepared")
Asked: TypeAlias = tuple[str, str | None]
"""A document's text, and the name of the operation in it."""

MOST: Final = 500
# The same few are sent again and again by a client that is broken, and by nobody else.
MOST_REFUSED: Final = 16
LONGEST: Final = 10_000


class CacheInfo(NamedTuple):
    """How often an operation was there, and how often not."""

    hits: int
    misses: int


class Operations(Generic[Prepared]):
    """The operations that were asked for last; documents that are refused have a memory of their own.

    So nobody drives out what others ask for by documents that have errors.
    """

    def __init__(
        self, prepare: Callable[[str, str | None], Steps[Prepared | list[ErrorEntry]]]
    ) -> None:
        self._prepare = prepare
        self._ready: OrderedDict[Asked, Prepared] = OrderedDict()
        self._refused: OrderedDict[Asked, list[ErrorEntry]] = OrderedDict()
        self._hits = self._misses = 0

    def known(self, asked: Asked) -> Prepared | list[ErrorEntry] | None:
        """What was prepared of a document before, or the errors that it had; None if it is new."""
        ready = self._ready.get(asked)
        if ready is not None:
            self._ready.move_to_end(asked)
            self._hits += 1
            return ready
        return self._refused.get(asked)

    def preparing(self, asked: Asked) -> Steps[Prepared | list[ErrorEntry]]:
        """The operation of a document that is new, or the errors that the document has; in steps."""
        self._misses += 1
        outcome = yield from self._prepare(*asked)
        if len(asked[0]) + len(asked[1] or "") <= LONGEST:
            if isinstance(outcome, list):
                _keep(self._refused, asked, outcome, MOST_REFUSED)
            else:
                _keep(self._ready, asked, outcome, MOST)
        return outcome

    def cache_info(self) -> CacheInfo:
        """What the metrics show."""
        return CacheInfo(self._hits, self._misses)


Value = TypeVar("Value")


def _keep(values: OrderedDict[Asked, Value], asked: Asked, value: Value, most: int) -> None:
    if len(values) >= most:
        values.popitem(last=False)
    values[asked] = value
