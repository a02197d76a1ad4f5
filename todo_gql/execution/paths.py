"""The response paths of a column's values, which are only worked out when they are needed.

Errors need paths, and so do resolvers that ask for them; most values never do. So a column keeps no
path per value, but how its values follow from those of the level above.
"""

from bisect import bisect_right
from collections.abc import Sequence, Sized
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from graphql.pyutils import Path


class NullTarget(NamedTuple):
    """The value that becomes null when another one fails; path None is the whole of `data`.

    `await_depth` is the number of sequential awaits before it was there.
    """

    path: Path | None
    await_depth: int


class ResponsePaths(Protocol):
    """The response paths of a column's values, by their index in the column.

    `await_depth` is the number of sequential awaits before these values: it orders errors as
    graphql-core does.
    """

    await_depth: int

    def path(self, index: int) -> Path | None:
        """The path of a value."""

    def field_path(self, index: int) -> Path | None:
        """The path of the field that a value belongs to: its path without indexes of lists."""

    def null_target(self, index: int) -> NullTarget:
        """What becomes null when a value fails."""


class RootPath:
    """The path of the operation's root value."""

    await_depth = 0

    def path(self, index: int) -> Path | None:  # noqa: ARG002 - there is just one
        """No path leads to the root."""
        return None

    field_path = path

    def null_target(self, index: int) -> NullTarget:  # noqa: ARG002 - there is just one
        """The whole of `data`."""
        return NullTarget(None, 0)


ROOT: Final = RootPath()


class FieldPaths:
    """The paths of a field's values, one for each object."""

    __slots__ = ("await_depth", "name", "nullable", "parents", "type_name")

    def __init__(
        self,
        parents: ResponsePaths,
        name: str,
        type_name: str,
        await_depth: int,
        nullable: bool,
    ) -> None:
        self.parents = parents
        self.await_depth = await_depth
        self.name = name
        self.type_name = type_name
        self.nullable = nullable

    def path(self, index: int) -> Path:
        """The object's path and the field's name in the response."""
        return Path(self.parents.path(index), self.name, self.type_name)

    field_path = path

    def null_target(self, index: int) -> NullTarget:
        """The field if it is nullable, or else the null target of its object."""
        if self.nullable:
            return NullTarget(self.path(index), self.await_depth)
        return self.parents.null_target(index)


class ItemPaths:
    """The paths of all items of a column's lists, one list after the other."""

    def __init__(self, lists: ResponsePaths, values: Sequence[Sized], *, nullable: bool) -> None:
        self.lists = lists
        self.await_depth = lists.await_depth
        self.nullable = nullable
        self.values = values
        self.ends: list[int] | None = None

    def _list_and_item(self, index: int) -> tuple[int, int]:
        if self.ends is None:
            self.ends = list(accumulate(map(len, self.values)))
        list_index = bisect_right(self.ends, index)
        return list_index, index - (self.ends[list_index - 1] if list_index else 0)

    def path(self, index: int) -> Path:
        """The list's path and the item's index in it."""
        list_index, item = self._list_and_item(index)
        return Path(self.lists.path(list_index), item, None)

    def field_path(self, index: int) -> Path | None:
        """The path of the field whose list this is."""
        return self.lists.field_path(self._list_and_item(index)[0])

    def null_target(self, index: int) -> NullTarget:
        """The item if it is nullable, or else the null target of its list."""
        list_index, item = self._list_and_item(index)
        if self.nullable:
            return NullTarget(Path(self.lists.path(list_index), item, None), self.await_depth)
        return self.lists.null_target(list_index)


class SubsetPaths:
    """The paths of some values of a column, those at `indexes` of `column_paths`."""

    __slots__ = ("await_depth", "column_paths", "indexes")

    def __init__(self, column_paths: ResponsePaths, indexes: Sequence[int]) -> None:
        self.column_paths = column_paths
        self.await_depth = column_paths.await_depth
        self.indexes = indexes

    def path(self, index: int) -> Path | None:
        """The path of a value of the subset."""
        return self.column_paths.path(self.indexes[index])

    def field_path(self, index: int) -> Path | None:
        """The path of the field of a value of the subset."""
        return self.column_paths.field_path(self.indexes[index])

    def null_target(self, index: int) -> NullTarget:
        """What becomes null when a value of the subset fails."""
        return self.column_paths.null_target(self.indexes[index])
