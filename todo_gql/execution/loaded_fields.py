"""Fields that a loader resolves, with one call for all objects of a level."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

import strawberry

from todo_gql.execution.columns import Column, mapped, types_of
from todo_gql.execution.rows import Row, Rows, RowType, has_column, row_of

K = TypeVar("K")
K_contra = TypeVar("K_contra", contravariant=True)
V = TypeVar("V")
T = TypeVar("T")
C = TypeVar("C")


class ColumnLoader(Protocol[K_contra, V]):
    """A DataLoader that can also load a whole column of keys with a single await."""

    def load(self, key: K_contra) -> Awaitable[V]:
        """The value of one key; awaiting it raises the error if it couldn't be loaded."""

    def cached(self, keys: Sequence[K_contra]) -> list[V | Exception] | None:
        """The value of each key, or its error; None unless all are cached."""

    def load_column(self, keys: Sequence[K_contra]) -> Awaitable[list[V | Exception]]:
        """The value of each key, or the error if it couldn't be loaded."""


class LoadedColumn(list[Any]):
    """A column of loaded values.

    With a `row_type` each value is a sequence of rows. If several objects share a key, `unique` are
    the values of the distinct keys, and `indexes` the index in `unique` of each object's value.
    """

    row_type: RowType[Any] | None = None
    unique: Column | None = None
    indexes: Sequence[int] = ()

    @property
    def first_indexes(self) -> Sequence[int]:
        """The index in the column of the first object that has each of `unique`."""
        positions = range(len(self.indexes))
        first = dict(zip(reversed(self.indexes), reversed(positions), strict=True))
        return [first[index] for index in range(len(first))]


@dataclass(frozen=True, slots=True)
class Loading(Generic[C, K, V, T]):
    """How a field's values are loaded, and converted from what was loaded: by `make`, or as rows.

    The `prefetched_column` of an object's row holds what would be loaded, unless it is null.
    """

    loader: Callable[[C], ColumnLoader[K, V]]
    by: str
    make: Callable[[V, C], T]
    row_type: RowType[Any] | None = None
    prefetched_column: str | None = None

    async def load_one(self, source: object, context: C) -> T:
        """The field's value for one object; raises the error if it couldn't be loaded."""
        value = self.prefetched(row_of(source))
        # DataLoader takes no null key, of which there is nothing to load.
        if value is None and (key := getattr(source, self.by)) is not None:
            value = await self.loader(context).load(key)
        return self.make(value, context)

    def prefetched(self, row: Row | None) -> Any:
        """What was prefetched for an object, from its row; None if nothing was."""
        column = self.prefetched_column
        if row is None or column is None or not has_column(row, column):
            return None
        return row[column]

    def prefetched_values(self, sources: Rows[Any]) -> Column | None:
        """The prefetched values of all objects; None unless there is one for each."""
        column = self.prefetched_column
        if column is None or not sources.rows or not has_column(sources.rows[0], column):
            return None
        loaded = LoadedColumn([row[column] for row in sources.rows])
        loaded.row_type = self.row_type
        return None if None in loaded else loaded

    def cached(self, keys: Sequence[K], context: C) -> LoadedColumn | None:
        """The field's values for objects with these keys; None unless all are cached."""
        unique_keys = list(dict.fromkeys(keys))
        try:
            loaded = self.loader(context).cached(unique_keys)
        except Exception:  # noqa: BLE001 - it is raised again where the column is awaited
            return None
        return None if loaded is None else self._loaded_column(keys, unique_keys, loaded, context)

    async def load_column(self, keys: Sequence[K], context: C) -> LoadedColumn:
        """The field's values for objects with these keys, or the errors of loading them."""
        unique_keys = list(dict.fromkeys(keys))
        try:
            loaded = await self.loader(context).load_column(unique_keys)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is each object's error
            return LoadedColumn([error] * len(keys))
        return self._loaded_column(keys, unique_keys, loaded, context)

    def _loaded_column(
        self, keys: Sequence[K], unique_keys: list[K], loaded: list[V | Exception], context: C
    ) -> LoadedColumn:
        """The values of all objects; those with the same key share one."""
        has_failed = any(issubclass(type_, Exception) for type_ in types_of(loaded))
        row_type = None if has_failed else self.row_type
        values: list[Any] = loaded
        if row_type is None:
            make = _unless_failed(self.make) if has_failed else self.make
            values = mapped(make, loaded, [context] * len(loaded))
        if len(unique_keys) == len(keys):
            column = LoadedColumn(values)
        else:
            positions = dict(zip(unique_keys, range(len(unique_keys)), strict=True))
            indexes = list(map(positions.__getitem__, keys))
            column = LoadedColumn(map(values.__getitem__, indexes))
            if row_type is None:
                column.unique, column.indexes = values, indexes
        column.row_type = row_type
        return column


def _unless_failed(make: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, context: value if isinstance(value, Exception) else make(value, context)


LOADING = object()
"""The key of a Strawberry field's metadata for its `Loading`."""


def loaded_field(
    loader: Callable[[C], ColumnLoader[K, V]],
    *,
    by: str,
    make: Callable[[V, C], T],
    description: str | None = None,
    metadata: Mapping[Any, Any] | None = None,
) -> T:
    """A Strawberry field that a loader resolves.

    `loader` gets the loader from the context, `by` is the attribute of the object with the key, and
    `make` converts what was loaded into the field's value. The engine calls the loader once for all
    objects of a level; under graphql-core it is called for each object.
    """
    return cast("T", _field(Loading(loader, by, make), description, metadata))


def loaded_value(
    loader: Callable[[C], ColumnLoader[K, V]],
    *,
    by: str,
    prefetched_column: str | None = None,
    description: str | None = None,
) -> V:
    """A Strawberry field like `loaded_field`, whose values are what was loaded.

    Objects whose rows have the `prefetched_column` need no loading, since it holds their values.
    """
    loading = Loading(
        loader, by, lambda value, _context: value, prefetched_column=prefetched_column
    )
    return cast("V", _field(loading, description))


def loaded_rows(
    loader: Callable[[C], ColumnLoader[K, Sequence[Row]]],
    *,
    by: str,
    row_type: RowType[T],
    prefetched_column: str | None = None,
    description: str | None = None,
    metadata: Mapping[Any, Any] | None = None,
) -> Sequence[T]:
    """A Strawberry field like `loaded_field`, whose values are rows of one type and layout.

    Objects whose rows have the `prefetched_column` need no loading, since it holds their lists of
    rows.
    """
    loading = Loading(
        loader,
        by,
        lambda rows, _context: row_type.objects(rows),
        row_type,
        prefetched_column=prefetched_column,
    )
    return cast("Sequence[T]", _field(loading, description, metadata))


def _field(
    loading: Loading[Any, Any, Any, Any],
    description: str | None,
    metadata: Mapping[Any, Any] | None = None,
) -> Any:
    async def resolve(self: Any, info: strawberry.Info) -> Any:
        return await loading.load_one(self, info.context)

    return strawberry.field(
        resolver=resolve, description=description, metadata={**(metadata or {}), LOADING: loading}
    )
