"""Fields that a loader answers: one call for all objects of a level, and none of their own."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """A DataLoader that can also be asked for many keys with a single wait."""

    def load(self, key: K_contra) -> Awaitable[V]:
        """What the key stands for."""

    def at_hand(self, keys: Sequence[K_contra]) -> list[V | Exception] | None:
        """What each key stands for, if that is known for all without waiting."""

    def load_column(self, keys: Sequence[K_contra]) -> Awaitable[list[V | Exception]]:
        """What each key stands for, or why that couldn't be loaded."""


class Loaded(list[Any]):
    """A column that a loader gave.

    With a `row_type` each value is a sequence of rows. Where values occur again, `once` has each of
    them one time, and `which` tells which one is where.
    """

    row_type: RowType[Any] | None = None
    once: Column | None = None
    which: Sequence[int] = ()

    @property
    def firsts(self) -> Sequence[int]:
        """Where each of `once` occurs first."""
        indexes = range(len(self.which))
        first = dict(zip(reversed(self.which), reversed(indexes), strict=True))
        return [first[index] for index in range(len(first))]


@dataclass(frozen=True, slots=True)
class Loading(Generic[C, K, V, T]):
    """How a field's values are loaded, and made of what was loaded: by `make`, or as rows.

    `along` names the columns of an object's row that may hold what would be loaded, unless that is
    null, and how it is written there: by 0 as it is, by a number n as the values of rows of n
    columns, one after the other.
    """

    loader: Callable[[C], ColumnLoader[K, V]]
    by: str
    make: Callable[[V, C], T]
    row_type: RowType[Any] | None = None
    along: Mapping[str, int] = field(default_factory=dict)

    async def one(self, source: object, context: C) -> T:
        """The field's value for one object."""
        value = self.brought(row_of(source))
        if value is None:
            value = await self.loader(context).load(getattr(source, self.by))
        return self.make(value, context)

    def column_in(self, row: Row) -> str | None:
        """The column of a row that is for what would be loaded, if it has one."""
        return next((column for column in self.along if has_column(row, column)), None)

    def brought(self, row: Row | None) -> Any:
        """What an object's row holds of what would be loaded for it; None if it doesn't."""
        column = None if row is None else self.column_in(row)
        if row is None or column is None or row[column] is None:
            return None
        return to_rows(row[column], self.along[column])

    def column_along(self, sources: Rows[Any]) -> Column | None:
        """What came along with all objects, of which nothing has to be made; None if it didn't."""
        if not sources.rows or self.column_in(sources.rows[0]) is None:
            return None
        loaded = Loaded(map(self.brought, sources.rows))
        loaded.row_type = self.row_type
        return None if None in loaded else loaded

    def at_hand(self, keys: Sequence[K], context: C) -> Loaded | None:
        """The field's value for the objects that have these keys, if nothing has to be awaited."""
        once = list(dict.fromkeys(keys))
        try:
            loaded = self.loader(context).at_hand(once)
        except Exception:  # noqa: BLE001 - it is told where the column is awaited
            return None
        return None if loaded is None else self._made(keys, once, loaded, context)

    async def column(self, keys: Sequence[K], context: C) -> Loaded:
        """The field's value for the objects that have these keys."""
        once = list(dict.fromkeys(keys))
        try:
            loaded = await self.loader(context).load_column(once)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is each object's error
            return Loaded([error] * len(keys))
        return self._made(keys, once, loaded, context)

    def _made(
        self, keys: Sequence[K], once: list[K], loaded: list[V | Exception], context: C
    ) -> Loaded:
        """What the objects have, those with the same key the same, of what was loaded for each."""
        has_failed = any(issubclass(kind, Exception) for kind in types_of(loaded))
        row_type = None if has_failed else self.row_type
        made: list[Any] = loaded
        if row_type is None:
            make = _unless_failed(self.make) if has_failed else self.make
            made = mapped(make, loaded, [context] * len(loaded))
        if len(once) == len(keys):
            column = Loaded(made)
        else:
            positions = dict(zip(once, range(len(once)), strict=True))
            which = list(map(positions.__getitem__, keys))
            column = Loaded(map(made.__getitem__, which))
            if row_type is None:
                column.once, column.which = made, which
        column.row_type = row_type
        return column


def to_rows(values: Any, width: int) -> Any:
    """The rows whose values these are, `width` values a row, one row after the other.

    A width of 0 means that the values are rows already.
    """
    return list(zip(*[iter(values)] * width, strict=True)) if width else values


def _unless_failed(make: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, context: value if isinstance(value, Exception) else make(value, context)


LOADING = object()
"""Where a Strawberry field's metadata holds its `Loading`."""


def loaded_field(
    loader: Callable[[C], ColumnLoader[K, V]],
    *,
    by: str,
    make: Callable[[V, C], T],
    description: str | None = None,
) -> T:
    """A Strawberry field whose values a loader has.

    `loader` finds the loader in the context, `by` is the object's attribute that holds the key, and
    `make` turns what was loaded into the field's value. The engine calls the loader once for all
    objects of a level; under graphql-core each object calls it for itself.
    """
    return cast("T", _field(Loading(loader, by, make), description))


def loaded_value(
    loader: Callable[[C], ColumnLoader[K, V]],
    *,
    by: str,
    along: str | None = None,
    description: str | None = None,
) -> V:
    """A Strawberry field as `loaded_field` makes it, whose values are what was loaded.

    `along` is a column: the objects whose rows have it need no loading, since it holds the values.
    """
    loading = Loading(loader, by, lambda value, _context: value, along={along: 0} if along else {})
    return cast("V", _field(loading, description))


def loaded_rows(
    loader: Callable[[C], ColumnLoader[K, Sequence[Row]]],
    *,
    by: str,
    row_type: RowType[T],
    along: Mapping[str, int] | None = None,
    description: str | None = None,
) -> Sequence[T]:
    """A Strawberry field as `loaded_field` makes it, whose values are rows of one type and layout.

    `along` names columns: the objects whose rows have one of them need no loading. It holds a list
    of rows where 0 stands beside its name, and where a number does, rows of so many columns, value
    after value.
    """
    loading = Loading(
        loader, by, lambda rows, _context: row_type.objects(rows), row_type, along=along or {}
    )
    return cast("Sequence[T]", _field(loading, description))


def _field(loading: Loading[Any, Any, Any, Any], description: str | None) -> Any:
    async def resolve(self: Any, info: strawberry.Info) -> Any:
        return await loading.one(self, info.context)

    return strawberry.field(resolver=resolve, description=description, metadata={LOADING: loading})
