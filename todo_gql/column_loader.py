"""A DataLoader that the engine can ask for a whole column of keys at once."""

from asyncio import Future, ensure_future, gather
from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Self, TypeVar

from aiodataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(eq=False, slots=True)
class _Keys:
    """Many keys that wait in the loader's queue as if they were one."""

    keys: list[Any] = field(default_factory=list)


class ColumnDataLoader(DataLoader[K, V]):
    """A DataLoader where a column of keys costs one future, in the same batch as single keys."""

    def __init__(self, load_keys: Callable[[list[K]], Coroutine[Any, Any, list[V]]]) -> None:
        super().__init__(self._load_entries)
        self._load_keys = load_keys
        self._found: dict[K, Any] = {}
        self._coming: dict[K, Future[Any]] = {}

    async def _load_entries(self, entries: list[Any]) -> list[Any]:
        parts = (entry.keys if isinstance(entry, _Keys) else (entry,) for entry in entries)
        keys = list(dict.fromkeys(chain.from_iterable(parts)))
        self._found.update(zip(keys, await self._load_keys(keys), strict=True))
        return [None if isinstance(entry, _Keys) else self._found[entry] for entry in entries]

    def load(self, key: K) -> "Future[V]":
        """What one key stands for."""
        if key in self._coming:
            return ensure_future(self._from_column(key))
        if key in self._found:
            super().prime(key, self._found[key])
        return super().load(key)

    async def _from_column(self, key: K) -> V:
        [value] = await self.load_column([key])
        if isinstance(value, Exception):
            raise value
        return value

    async def load_column(self, keys: Sequence[K]) -> list[V | Exception]:
        """What each key stands for, or why that couldn't be loaded."""
        found = self._found
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing and (errors := await self._fetch(missing)):
            found = found | errors
        return [found[key] for key in keys]

    async def _fetch(self, keys: Iterable[K]) -> dict[K, BaseException | None]:
        """Wait until the keys are found; those that weren't, and why."""
        under_way: dict[K, Future[Any]] = {}
        new: Any = _Keys()
        for key in keys:
            future = self._coming.get(key) or self._cache.get(key)
            if future is None:
                new.keys.append(key)
            else:
                under_way[key] = future
        if new.keys:
            coming = dict.fromkeys(new.keys, super().load(new))
            under_way.update(coming)
            self._coming.update(coming)
        await gather(*set(under_way.values()), return_exceptions=True)
        self.clear(new)
        for key in new.keys:
            del self._coming[key]
        return {key: one.exception() for key, one in under_way.items() if key not in self._found}

    def prime(self, key: K, value: V) -> Self:
        """Have the value at hand for the key, unless it is already."""
        self._found.setdefault(key, value)
        return super().prime(key, value)

    def clear(self, key: K) -> Self:
        """Forget what the key stands for."""
        self._found.pop(key, None)
        return super().clear(key)

    def clear_all(self) -> Self:
        """Forget everything."""
        self._found.clear()
        return super().clear_all()
