"""Fields that a loader answers: one call for all objects of a level, and none of their own."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

import strawberry

from todo_gql.execution.columns import Column, kinds_of, mapped

K = TypeVar("K")
K_contra = TypeVar("K_contra", contravariant=True)
V = TypeVar("V")
T = TypeVar("T")
C = TypeVar("C")


class ColumnLoader(Protocol[K_contra, V]):
    """A DataLoader that can also be asked for many keys with a single wait."""

    def load(self, key: K_contra) -> Awaitable[V]:
        """What the key stands for."""

    def load_column(self, keys: Sequence[K_contra]) -> Awaitable[list[V | Exception]]:
        """What each key stands for, or why that couldn't be loaded."""


@dataclass(frozen=True, slots=True)
class Loading(Generic[C, K, V, T]):
    """How a field's values are loaded."""

    loader: Callable[[C], ColumnLoader[K, V]]
    by: str
    make: Callable[[V, C], T]

    async def one(self, source: object, context: C) -> T:
        """The field's value for one object."""
        return self.make(await self.loader(context).load(getattr(source, self.by)), context)

    async def column(self, keys: Sequence[K], context: C) -> Column:
        """The field's value for the objects that have these keys."""
        try:
            loaded = await self.loader(context).load_column(keys)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is each object's error
            return [error] * len(keys)
        # Objects that share a key share what is made of its value.
        found = dict(zip(keys, loaded, strict=True))
        values = list(found.values())
        make = _unless_failed(self.make) if _any_failed(values) else self.make
        made = mapped(make, values, [context] * len(values))
        if len(made) == len(keys):
            return made
        return list(map(dict(zip(found, made, strict=True)).__getitem__, keys))


def _any_failed(values: Column) -> bool:
    return any(issubclass(kind, Exception) for kind in kinds_of(values))


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
    loading = Loading(loader, by, make)

    async def resolve(self: Any, info: strawberry.Info) -> Any:
        return await loading.one(self, info.context)

    field = strawberry.field(resolver=resolve, description=description, metadata={LOADING: loading})
    return cast("T", field)
