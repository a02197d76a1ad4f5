"""Rows that stand for objects: the engine reads a column at a time, anybody else gets objects."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from inspect import signature
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, cast, overload

from todo_gql.execution.columns import mapped

T = TypeVar("T")


class Row(Protocol):
    """Values by column: a dictionary, a tuple or list whose columns are numbers, or a record.

    Records are what database drivers give: sequences of values that they name by `keys()`.
    """

    def __getitem__(self, column: Any, /) -> Any: ...


class Converted(NamedTuple):
    """An attribute that is made of what one column holds."""

    column: str | int
    convert: Callable[[Any], Any]


Source: TypeAlias = str | int | Converted | Callable[..., Any]
"""Where an attribute comes from: a column, as it is or converted, or a function of the row."""

Read: TypeAlias = Callable[[Sequence[Any], tuple[Any, ...]], list[Sequence[Any]]]
"""`read(rows, given)`: some attributes of all rows, a column for each of them."""


class RowType(Generic[T]):
    """How an object type copies its attributes from rows.

    A function is called with the row and with whatever else was given with the rows. A column that
    isn't named here is never copied. `TypeError` unless the type can be made of these attributes.
    """

    def __init__(self, type: type[T], **attributes: Source) -> None:
        signature(type).bind(**attributes)
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
        made: Any = self._lazy_type.__new__(self._lazy_type)
        made.__dict__[IN_ROW] = (row, given)
        return cast("T", made)

    def objects(self, rows: Sequence[Any], *given: Any) -> "Rows[T]":
        """The objects in rows, none of which is made before somebody asks for it."""
        return Rows(self, rows, given)

    def reader(self, attributes: Sequence[str]) -> Read | None:
        """What reads these attributes of many rows at once; None if it doesn't know them all."""
        if not attributes or any(name not in self.attributes for name in attributes):
            return None
        sources = [self.attributes[name] for name in attributes]
        functions: list[tuple[int, Any]] = [(n, s) for n, s in enumerate(sources) if callable(s)]
        places = [n for n, s in enumerate(sources) if not callable(s)]
        converts = [s.convert if isinstance(s := sources[n], Converted) else None for n in places]
        keys = [s.column if isinstance(s := sources[n], Converted) else s for n in places]
        cells = _cells_getter(keys)

        def read(rows: Sequence[Any], given: tuple[Any, ...]) -> list[Sequence[Any]]:
            columns: list[Sequence[Any]] = [()] * len(sources)
            for place, convert, values in zip(places, converts, cells(rows), strict=False):
                columns[place] = values if convert is None else list(map(convert, values))
            for place, function in functions:
                columns[place] = list(map(function, rows, *map(repeat, given)))
            return columns

        return read


IN_ROW = "_in_row"
"""Where a lazy object has its row, and what was given with it."""


def row_type_of(kind: type) -> RowType[Any] | None:
    """The row type whose lazy objects are of this class."""
    return getattr(kind, "_row_type", None)


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


def _cells_getter(keys: Sequence[Any]) -> Callable[[Sequence[Any]], Iterable[Sequence[Any]]]:
    """What gives the values of these columns of all rows, which are alike, column by column."""
    if not keys:
        return lambda _rows: ()
    get = itemgetter(*keys) if len(keys) > 1 else None
    places: dict[tuple[str, ...], list[int]] = {}

    def cells(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
        if not rows:
            return ()
        first = rows[0]
        if isinstance(first, dict):
            return zip(*map(get, rows), strict=True) if get else ([row[keys[0]] for row in rows],)
        # All columns at once take a sixth of the time that a few take by name.
        columns = list(zip(*rows, strict=True))
        if not hasattr(first, "keys"):
            return map(columns.__getitem__, keys)
        names = tuple(first.keys())
        if names not in places:
            places[names] = list(map(names.index, keys))
        return map(columns.__getitem__, places[names])

    return cells


def _value(source: Source, row: Row, given: tuple[Any, ...]) -> Any:
    if isinstance(source, str | int):
        return row[source]
    if isinstance(source, Converted):
        return source.convert(row[source.column])
    return source(row, *given)


class Rows(Sequence[T]):
    """A sequence of objects that are made when they are asked for."""

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
        return cls(
            first.row_type, list(chain.from_iterable(part.rows for part in parts)), first.given
        )

    @cached_property
    def made(self) -> list[T]:
        """The objects, lazy ones unless their type has something to do when it makes one."""
        row_type = self.row_type
        make = row_type.object if hasattr(row_type.type, "__post_init__") else row_type.lazy
        return [make(row, *self.given) for row in self.rows]

    def column(self, attribute: str) -> list[Any]:
        """An attribute of each object, or the exception that reading it raises."""
        source = self.row_type.attributes[attribute]
        if isinstance(source, str | int):
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
