"""A cache of prepared operations, by the text of the document and the operation's name."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from todo_gql.documents.parsing import ErrorEntry
from todo_gql.documents.steps import Steps

Prepared = TypeVar("Prepared")
OperationKey: TypeAlias = tuple[str, str | None]
"""A document's text, and the `operationName` of the request."""

MAX_OPERATIONS: Final = 500
# Only a broken client sends the same invalid documents again and again.
MAX_REFUSED: Final = 16
MAX_KEY_LENGTH: Final = 10_000


class CacheInfo(NamedTuple):
    """How many lookups hit the cache, and how many missed it."""

    hits: int
    misses: int


class OperationCache(Generic[Prepared]):
    """A cache of prepared operations (LRU), and a separate one of the errors of invalid documents.

    Invalid documents therefore never evict valid ones.
    """

    def __init__(
        self, prepare: Callable[[str, str | None], Steps[Prepared | list[ErrorEntry]]]
    ) -> None:
        self._prepare = prepare
        self._prepared: OrderedDict[OperationKey, Prepared] = OrderedDict()
        self._refused: OrderedDict[OperationKey, list[ErrorEntry]] = OrderedDict()
        self._hits = self._misses = 0

    def get(self, key: OperationKey) -> Prepared | list[ErrorEntry] | None:
        """The prepared operation, or the errors of an invalid document; None if it isn't cached."""
        prepared = self._prepared.get(key)
        if prepared is not None:
            self._prepared.move_to_end(key)
            self._hits += 1
            return prepared
        return self._refused.get(key)

    def prepare_in_steps(self, key: OperationKey) -> Steps[Prepared | list[ErrorEntry]]:
        """Prepare a document that isn't cached, in steps; returns the operation, or the document's errors."""
        self._misses += 1
        outcome = yield from self._prepare(*key)
        if len(key[0]) + len(key[1] or "") <= MAX_KEY_LENGTH:
            if isinstance(outcome, list):
                _store(self._refused, key, outcome, MAX_REFUSED)
            else:
                _store(self._prepared, key, outcome, MAX_OPERATIONS)
        return outcome

    def cache_info(self) -> CacheInfo:
        """The counts for the metrics."""
        return CacheInfo(self._hits, self._misses)


Value = TypeVar("Value")


def _store(
    values: OrderedDict[OperationKey, Value], key: OperationKey, value: Value, most: int
) -> None:
    if len(values) >= most:
        values.popitem(last=False)
    values[key] = value
