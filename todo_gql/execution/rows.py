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
    """Values by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


class Converted(NamedTuple):
    """An attribute that is made of what one column holds."""

    column: str
    convert: Callable[[Any], Any]


Source: TypeAlias = str | Converted | Callable[..., Any]
"""Where an attribute comes from: a column, as it is or converted, or a function of the row."""


class RowType(Generic[T]):
    """How an object type copies its attributes from rows.

    A function is called with the row and with whatever else was given with the rows. A column that
    isn't named here is never copied. `TypeError` unless the type can be made of these attributes.
    """

    def __init__(self, type: type[T], **attributes: Source) -> None:
        signature(type).bind(**attributes)
        self.type = type
        self.attributes = attributes

    def object(self, row: Row, *given: Any) -> T:
        """The object in a row."""
        return self.type(
            **{name: _value(source, row, given) for name, source in self.attributes.items()}
        )

    def objects(self, rows: Sequence[Any], *given: Any) -> "Rows[T]":
        """The objects in rows, none of which is made before somebody asks for it."""
        return Rows(self, rows, given)


def _value(source: Source, row: Row, given: tuple[Any, ...]) -> Any:
    if isinstance(source, str):
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
        if any(part.row_type is not first.row_type or part.given != first.given for part in parts):
            return None
        return cls(
            first.row_type, list(chain.from_iterable(part.rows for part in parts)), first.given
        )

    @cached_property
    def made(self) -> list[T]:
        """The objects."""
        return [self.row_type.object(row, *self.given) for row in self.rows]

    def column(self, attribute: str) -> list[Any]:
        """An attribute of each object, or the exception that reading it raises."""
        source = self.row_type.attributes[attribute]
        if isinstance(source, str):
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
