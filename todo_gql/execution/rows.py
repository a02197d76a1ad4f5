"""Rows that stand for objects: the engine reads a column at a time, anybody else gets objects."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from inspect import signature
from itertools import chain
from operator import itemgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, overload

from todo_gql.execution.columns import mapped

T = TypeVar("T")


class Row(Protocol):
    """Values by column: a mapping, a tuple or list whose columns are numbers, or a record.

    Records are what database drivers give: sequences of values that they name by `keys()`.
    """

    def __getitem__(self, column: Any, /) -> Any: ...


class Converted(NamedTuple):
    """An attribute that is made of what one column holds."""

    column: str | int
    convert: Callable[[Any], Any]


Source: TypeAlias = str | int | Converted | Callable[..., Any]
"""Where an attribute comes from: a column, as it is or converted, or a function of the row."""


Layout: TypeAlias = tuple[type, tuple[Any, ...] | int]
"""What a row is, and the names of its columns or how many these are."""


def layout_of(row: Any) -> Layout:
    """The layout of a row."""
    keys = getattr(row, "keys", None)
    return type(row), tuple(keys()) if keys else len(row)


class RowType(Generic[T]):
    """How an object type copies its attributes from rows.

    A function is called with the row and with whatever else was given with the rows. A column that
    isn't named here is never copied. `TypeError` unless the type can be made of these attributes, and
    has none of them itself, as for a default, which would hide what is in the row.
    """

    def __init__(self, type: type[T], **attributes: Source) -> None:
        signature(type).bind(**attributes)
        if hidden := [name for name in attributes if hasattr(type, name)]:
            raise TypeError(f"{type.__name__} has these itself: {', '.join(hidden)}")
        self.type = type
        self.attributes = attributes
        self._lazy_type = _lazy(self)

    def object(self, row: Row, *given: Any) -> T:
        """The object in a row."""
        return self.type(
            **{name: _value(source, row, given) for name, source in self.attributes.items()}
        )

    def lazy(self, row: Row, *given: Any) -> T:
        """The object in a row, each attribute of which is read when somebody asks for it.

        It isn't made by its type's constructor, so that no `__post_init__` is called.
        """
        made = self._lazy_type.__new__(self._lazy_type)
        made.__dict__[IN_ROW] = (row, given)
        return made

    def objects(self, rows: Sequence[Any], *given: Any) -> "Rows[T]":
        """The objects in rows of one layout, none of which is made before somebody asks for it."""
        return Rows(self, rows, given)


IN_ROW = "_in_row"
"""Where a lazy object has its row, and what was given with it."""


def row_of(source: object) -> Any:
    """The row that a lazy object stands for; None for any other object."""
    found = getattr(source, "__dict__", {}).get(IN_ROW)
    return None if found is None else found[0]


def has_column(row: Row, column: str) -> bool:
    """Whether a row's columns are named, and this is one of them."""
    keys = getattr(row, "keys", None)
    return keys is not None and column in keys()


def rows_of(values: Sequence[Any]) -> "Rows[Any] | None":
    """Lazy objects as the rows that they stand for; None unless they are, and are all alike."""
    row_type = getattr(type(values[0]), "_row_type", None) if values else None
    if row_type is None:
        return None
    if len(values) == 1:
        row, given = _in_row(values[0])
        return Rows(row_type, [row], given)
    if len(set(map(type, values))) > 1:
        return None
    return Rows.joined([Rows(row_type, [row], given) for row, given in map(_in_row, values)])


def _in_row(lazy: Any) -> Any:
    return lazy.__dict__[IN_ROW]


def _lazy(row_type: RowType[T]) -> type[T]:
    """A class of objects of the row type that read their attributes when they are asked for."""

    def read(self: Any, name: str) -> Any:
        source = row_type.attributes.get(name)
        if source is None:
            raise AttributeError(name)
        value = self.__dict__[name] = _value(source, *self.__dict__[IN_ROW])
        return value

    kind = row_type.type
    return type(kind.__name__, (kind,), {"__getattr__": read, "_row_type": row_type})


def _value(source: Source, row: Row, given: tuple[Any, ...]) -> Any:
    if isinstance(source, (str, int)):
        return row[source]
    if isinstance(source, Converted):
        return source.convert(row[source.column])
    return source(row, *given)


class Rows(Sequence[T]):
    """A sequence of objects that are made when they are asked for.

    Their rows are all of the layout that the first one has, which nobody checks.
    """

    def __init__(self, row_type: RowType[T], rows: Sequence[Any], given: tuple[Any, ...]) -> None:
        self.row_type = row_type
        self.rows = rows
        self.given = given

    @classmethod
    def joined(cls, parts: Sequence["Rows[T]"]) -> "Rows[T] | None":
        """All parts as one, or None if they weren't made alike."""
        first = parts[0]
        if len(parts) == 1:
            return first
        if any(part.row_type is not first.row_type or part.given != first.given for part in parts):
            return None
        rows = list(chain.from_iterable(part.rows for part in parts))
        if len(set(map(layout_of, rows))) > 1:
            return None
        return cls(first.row_type, rows, first.given)

    @cached_property
    def made(self) -> list[T]:
        """The objects, lazy ones unless their type has something to do when it makes one."""
        row_type = self.row_type
        make = row_type.object if hasattr(row_type.type, "__post_init__") else row_type.lazy
        return [make(row, *self.given) for row in self.rows]

    def column(self, attribute: str) -> list[Any]:
        """An attribute of each object, or the exception that reading it raises."""
        source = self.row_type.attributes[attribute]
        if isinstance(source, (str, int)):
            return mapped(itemgetter(source), self.rows)
        if isinstance(source, Converted):
            return mapped(source.convert, list(map(itemgetter(source.column), self.rows)))
        return mapped(source, self.rows, *([value] * len(self.rows) for value in self.given))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self.made)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self.made[index]
