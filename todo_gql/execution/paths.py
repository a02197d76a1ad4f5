"""Where the values of a column stand in the answer, which is only worked out when it is asked for.

A place is an index into a column. Paths are needed for errors and for resolvers that ask for them,
so a column keeps no path per value, but the way that its values came about.
"""

from bisect import bisect_right
from collections.abc import Sequence, Sized
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from graphql.pyutils import Path


class Nulled(NamedTuple):
    """What becomes null when a value fails, and its wave; None is the whole answer."""

    path: Path | None
    wave: int


class Places(Protocol):
    """The places of a column's values, and how many awaits led to them: their wave."""

    wave: int

    def path(self, index: int) -> Path | None:
        """The path of a value."""

    def field_path(self, index: int) -> Path | None:
        """The path of the field that a value belongs to, without places in its list."""

    def nulled(self, index: int) -> Nulled:
        """What becomes null when a value fails."""


class RootPlaces:
    """The place of the operation's root."""

    wave = 0

    def path(self, index: int) -> Path | None:  # noqa: ARG002 - there is just one
        """No path leads to the root."""
        return None

    field_path = path

    def nulled(self, index: int) -> Nulled:  # noqa: ARG002 - there is just one
        """The whole answer."""
        return Nulled(None, 0)


ROOT: Final = RootPlaces()


class FieldPlaces:
    """The places of a field's values, one in each object."""

    __slots__ = ("name", "nullable", "parents", "type_name", "wave")

    def __init__(
        self,
        parents: Places,
        name: str,
        type_name: str,
        wave: int,
        nullable: bool,
    ) -> None:
        self.parents = parents
        self.wave = wave
        self.name = name
        self.type_name = type_name
        self.nullable = nullable

    def path(self, index: int) -> Path:
        """The object's path and the field's name in the answer."""
        return Path(self.parents.path(index), self.name, self.type_name)

    field_path = path

    def nulled(self, index: int) -> Nulled:
        """The field if it can be null, or else what stands for its object."""
        if self.nullable:
            return Nulled(self.path(index), self.wave)
        return self.parents.nulled(index)


class ItemPlaces:
    """The places of all items of a column's lists, one list after the other."""

    def __init__(self, lists: Places, values: Sequence[Sized], *, nullable: bool) -> None:
        self.lists = lists
        self.wave = lists.wave
        self.nullable = nullable
        self.values = values
        self.ends: list[int] | None = None

    def _list_and_item(self, index: int) -> tuple[int, int]:
        if self.ends is None:
            self.ends = list(accumulate(map(len, self.values)))
        place = bisect_right(self.ends, index)
        return place, index - (self.ends[place - 1] if place else 0)

    def path(self, index: int) -> Path:
        """The list's path and the item's number."""
        place, item = self._list_and_item(index)
        return Path(self.lists.path(place), item, None)

    def field_path(self, index: int) -> Path | None:
        """The path of the field whose list this is."""
        return self.lists.field_path(self._list_and_item(index)[0])

    def nulled(self, index: int) -> Nulled:
        """The item if it can be null, or else what stands for its list."""
        place, item = self._list_and_item(index)
        if self.nullable:
            return Nulled(Path(self.lists.path(place), item, None), self.wave)
        return self.lists.nulled(place)


class SomePlaces:
    """Some places of a column."""

    __slots__ = ("all", "picks", "wave")

    def __init__(self, all_places: Places, picks: Sequence[int]) -> None:
        self.all = all_places
        self.wave = all_places.wave
        self.picks = picks

    def path(self, index: int) -> Path | None:
        """The path of a picked value."""
        return self.all.path(self.picks[index])

    def field_path(self, index: int) -> Path | None:
        """The path of the field of a picked value."""
        return self.all.field_path(self.picks[index])

    def nulled(self, index: int) -> Nulled:
        """What becomes null when a picked value fails."""
        return self.all.nulled(self.picks[index])
