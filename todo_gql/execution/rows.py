"""Rows that represent objects: the engine reads them by column, all other code as objects."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from inspect import signature
from itertools import chain
from operator import itemgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, overload

from todo_gql.execution.columns import mapped

T = TypeVar("T")


class Row(Protocol):
    """Values by column: a mapping, a tuple or list whose columns are indexes, or a record.

    Records are the rows of database drivers: sequences of values whose names are their `keys()`.
    """

    def __getitem__(self, column: Any, /) -> Any: ...


class ConvertedColumn(NamedTuple):
    """An attribute that is converted from the value of one column."""

    column: str | int
    convert: Callable[[Any], Any]


Source: TypeAlias = str | int | ConvertedColumn | Callable[..., Any]
"""The source of an attribute: a column, as it is or converted, or a function of the row."""


RowLayout: TypeAlias = tuple[type, tuple[Any, ...] | int]
"""The type of a row, and the names of its columns, or their number if they have no names."""


def layout_of(row: Any) -> RowLayout:
    """The layout of a row."""
    keys = getattr(row, "keys", None)
    return type(row), tuple(keys()) if keys else len(row)


class RowType(Generic[T]):
    """How an object type reads its attributes from rows.

    A source that is a function is called with the row and with the extras that were passed with the
    rows. Columns that aren't named here are never read. Raises `TypeError` unless the type's
    constructor takes exactly these attributes, and if the class has one of them itself, such as a
    default, which would hide the value in the row.
    """

    def __init__(self, type: type[T], /, **attributes: Source) -> None:
        signature(type).bind(**attributes)
        if hidden := [name for name in attributes if hasattr(type, name)]:
            raise TypeError(f"{type.__name__} has these itself: {', '.join(hidden)}")
        self.type = type
        self.attributes = attributes
        self._lazy_type = _lazy(self)

    def object(self, row: Row, *extras: Any) -> T:
        """The object of a row."""
        return self.type(
            **{name: _value(source, row, extras) for name, source in self.attributes.items()}
        )

    def lazy(self, row: Row, *extras: Any) -> T:
        """The object of a row, whose attributes are read on first access.

        Its type's constructor and `__post_init__` aren't called.
        """
        lazy = self._lazy_type.__new__(self._lazy_type)
        lazy.__dict__[LAZY_ROW] = (row, extras)
        return lazy

    def objects(self, rows: Sequence[Any], *extras: Any) -> "Rows[T]":
        """The objects of rows of one layout, which are created on first access."""
        return Rows(self, rows, extras)


LAZY_ROW = "_lazy_row"
"""The key in a lazy object's `__dict__` of its row and extras."""


def row_of(source: object) -> Any:
    """The row of a lazy object; None for any other object."""
    row_and_extras = getattr(source, "__dict__", {}).get(LAZY_ROW)
    return None if row_and_extras is None else row_and_extras[0]


def has_column(row: Row, column: str) -> bool:
    """Whether the row has a column of this name."""
    keys = getattr(row, "keys", None)
    return keys is not None and column in keys()


def rows_of(values: Sequence[Any]) -> "Rows[Any] | None":
    """The rows of lazy objects; None unless all are lazy objects of one row type and layout."""
    row_type = getattr(type(values[0]), "_row_type", None) if values else None
    if row_type is None:
        return None
    if len(values) == 1:
        row, extras = _row_and_extras(values[0])
        return Rows(row_type, [row], extras)
    if len(set(map(type, values))) > 1:
        return None
    return Rows.joined(
        [Rows(row_type, [row], extras) for row, extras in map(_row_and_extras, values)]
    )


def _row_and_extras(lazy: Any) -> Any:
    return lazy.__dict__[LAZY_ROW]


def _lazy(row_type: RowType[T]) -> type[T]:
    """A subclass of the row type's class whose objects read their attributes on first access."""

    def read(self: Any, name: str) -> Any:
        source = row_type.attributes.get(name)
        if source is None:
            raise AttributeError(name)
        value = self.__dict__[name] = _value(source, *self.__dict__[LAZY_ROW])
        return value

    base = row_type.type
    return type(base.__name__, (base,), {"__getattr__": read, "_row_type": row_type})


def _value(source: Source, row: Row, extras: tuple[Any, ...]) -> Any:
    if isinstance(source, (str, int)):
        return row[source]
    if isinstance(source, ConvertedColumn):
        return source.convert(row[source.column])
    return source(row, *extras)


class Rows(Sequence[T]):
    """A sequence of objects that are created from rows on first access.

    All rows must have the layout of the first one, which isn't checked. `extras` are the further
    arguments of the row type's functions.
    """

    def __init__(self, row_type: RowType[T], rows: Sequence[Any], extras: tuple[Any, ...]) -> None:
        self.row_type = row_type
        self.rows = rows
        self.extras = extras

    @classmethod
    def joined(cls, parts: Sequence["Rows[T]"]) -> "Rows[T] | None":
        """All parts as one; None if their row types, extras or layouts differ."""
        first = parts[0]
        if len(parts) == 1:
            return first
        if any(
            part.row_type is not first.row_type or part.extras != first.extras for part in parts
        ):
            return None
        rows = list(chain.from_iterable(part.rows for part in parts))
        if len(set(map(layout_of, rows))) > 1:
            return None
        return cls(first.row_type, rows, first.extras)

    @cached_property
    def materialized(self) -> list[T]:
        """The objects, lazy ones unless their type has a `__post_init__`."""
        row_type = self.row_type
        create = row_type.object if hasattr(row_type.type, "__post_init__") else row_type.lazy
        return [create(row, *self.extras) for row in self.rows]

    def column(self, attribute: str) -> list[Any]:
        """An attribute of each object, or the exception that reading it raises.

        Raises `KeyError` if the row type has no such attribute.
        """
        source = self.row_type.attributes[attribute]
        if isinstance(source, (str, int)):
            return mapped(itemgetter(source), self.rows)
        if isinstance(source, ConvertedColumn):
            return mapped(source.convert, list(map(itemgetter(source.column), self.rows)))
        return mapped(source, self.rows, *([value] * len(self.rows) for value in self.extras))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self.materialized)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self.materialized[index]
