"""The DataLoaders of one operation and its viewer: one for each batch function that is used.

Batch functions return rows, which the features turn into types.
"""

from asyncio import Future
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from todo_gql.database.connection import Row
from todo_gql.operation.clock import FilterClock
from todo_gql.operation.dataloader import ColumnDataLoader
from todo_gql.security.authentication import Viewer

S = TypeVar("S")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class LoaderContext:
    """The argument of batch functions: the operation's viewer, its time, and the selections of features.

    `clock` is that time for the viewer's filters, once a batch function has begun to read it.
    """

    viewer: Viewer
    now: datetime
    clock: Future[FilterClock] | None = None
    selections: dict[type, Any] = field(default_factory=dict)

    def selection(self, kind: type[S]) -> S:
        """A feature's selection, as set by look-ahead; `kind()` if none was set."""
        selection: S = self.selections.get(kind) or kind()
        return selection

    def select(self, selection: object) -> None:
        """Set the selection of the feature that has this type of selection."""
        self.selections[type(selection)] = selection


BatchFunction: TypeAlias = Callable[
    [LoaderContext, list[K]], Coroutine[Any, Any, Sequence[V | Exception]]
]
"""Loads the values of the keys, in their order; an exception for a key that fails."""


class Loaders:
    """The loaders of one operation, one for each batch function that is used.

    Batch functions get the `LoaderContext`, not `Loaders`: a reference cycle would keep all results
    in memory until a garbage collection, which would cost more than the rest of the response.
    """

    def __init__(self, viewer: Viewer, now: datetime) -> None:
        self.now = now
        self.context = LoaderContext(viewer, now)
        self._by_batch: dict[Callable[..., Any], ColumnDataLoader[Any, Any]] = {}

    def by(self, load: BatchFunction[K, V]) -> ColumnDataLoader[K, V]:
        """The operation's loader with this batch function."""
        column_loader = self._by_batch.get(load)
        if column_loader is None:
            column_loader = self._by_batch[load] = ColumnDataLoader(partial(load, self.context))
        return column_loader


def rows_by_id(rows: list[Row], ids: Sequence[UUID | None]) -> list[Row | None]:
    """The row of each id, in the order of `ids`; None where there is none."""
    if len(ids) == len(rows) == 1 and rows[0]["id"] == ids[0]:
        return [rows[0]]
    by_id = {row["id"]: row for row in rows}
    return [by_id.get(id) for id in ids]


def rows_by_number(rows: Sequence[Row], count: int) -> list[list[Row]]:
    """The rows of each of `count` keys, by the column `number`, which counts the keys from 1."""
    grouped: list[list[Row]] = [[] for _ in range(count)]
    for row in rows:
        grouped[row["number"] - 1].append(row)
    return grouped
