"""A loader that the engine asks for a whole column of keys at once, and anybody for single keys."""

from asyncio import Future, get_running_loop, sleep
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

from aiodataloader import DataLoader

from todo_gql.execution import may_batch

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# A DataLoader asks for its keys so many turns of the event loop after it was asked for them.
DISPATCH_TURNS = 3


class _Batch(Generic[K]):
    """Keys that are loaded together, by the first who asked for one of them."""

    __slots__ = ("error", "keys", "waiting")

    def __init__(self) -> None:
        self.keys: dict[K, None] = {}
        self.error: Exception | None = None
        self.waiting: list[Future[None]] = []

    async def finished(self) -> None:
        """Wait until whoever loads the batch has done so, or has given up."""
        # One for each who waits: whoever is cancelled takes the future along.
        waiter = get_running_loop().create_future()
        self.waiting.append(waiter)
        await waiter

    def finish(self) -> None:
        """Wake up those who wait."""
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_result(None)


class ColumnDataLoader(Generic[K, V]):
    """Loads what is asked for in the same breath by a single call, and nothing twice.

    A column of keys costs neither tasks nor futures: whoever asks first makes the call, and the
    others wait for it. Single keys go through a DataLoader, which joins in with its batches.
    """

    def __init__(
        self, load_keys: Callable[[list[K]], Coroutine[Any, Any, Sequence[V | Exception]]]
    ) -> None:
        self._load_keys = load_keys
        self._found: dict[K, V | Exception] = {}
        self._coming: dict[K, _Batch[K]] = {}
        self._open: _Batch[K] | None = None

    @property
    def _single_is_used(self) -> bool:
        return "_single" in self.__dict__

    @cached_property
    def _single(self) -> DataLoader[K, V]:
        # It makes errors of exceptions, and takes none but coroutine functions.
        async def load(keys: list[K]) -> list[Any]:
            values = await self.load_column(keys)
            for key in keys:
                # It would remember what failed along with the whole batch, too.
                if key not in self._found:
                    single.clear(key)
            return values

        single: DataLoader[K, V] = DataLoader(load)
        return single

    def load(self, key: K) -> "Future[V]":
        """What one key stands for."""
        return self._single.load(key)

    async def load_one(self, key: K) -> V:
        """What one key stands for, at the price of a column."""
        if key in self._found:
            value = self._found[key]
        elif self._coming or may_batch():
            [value] = await self.load_column([key])
        else:
            [value] = await self._load_keys([key])
            self._found[key] = value
        if isinstance(value, Exception):
            raise value
        return value

    def cached(self, keys: Sequence[K]) -> list[V | Exception] | None:
        """What the keys stand for, if all of that is known already."""
        try:
            return list(map(self._found.__getitem__, keys))
        except KeyError:
            return None

    async def load_column(self, keys: Sequence[K]) -> list[V | Exception]:
        """What each key stands for, or why that couldn't be loaded."""
        failed: dict[K, Exception] = {}
        while missing := [k for k in dict.fromkeys(keys) if not (k in self._found or k in failed)]:
            if mine := [key for key in missing if key not in self._coming]:
                failed |= await self._load(mine)
            else:
                batch = self._coming[missing[0]]
                await batch.finished()
                if batch.error is not None:
                    failed |= {key: batch.error for key in missing if key in batch.keys}
        known = {**self._found, **failed} if failed else self._found
        return list(map(known.__getitem__, keys))

    async def _load(self, keys: list[K]) -> dict[K, Exception]:
        """Load the keys, or have them loaded along with others; those that failed, and why."""
        batch = self._open
        leads = batch is None
        if batch is None:
            batch = self._open = _Batch[K]()
        batch.keys.update(dict.fromkeys(keys))
        self._coming.update(dict.fromkeys(keys, batch))
        if leads:
            await self._lead(batch)
        else:
            await batch.finished()
        return {} if batch.error is None else dict.fromkeys(keys, batch.error)

    async def _lead(self, batch: _Batch[K]) -> None:
        try:
            if may_batch():
                # Whoever is about to run can still join, and so can whoever those wait for.
                await sleep(0)
                for _ in range(DISPATCH_TURNS if self._single_is_used else 1):
                    await sleep(0)
            self._open = None
            keys = list(batch.keys)
            self._found.update(zip(keys, await self._load_keys(keys), strict=True))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is each key's error
            batch.error = error
        finally:
            if self._open is batch:
                self._open = None
            for key in batch.keys:
                del self._coming[key]
            batch.finish()

    def keep(self, found: Mapping[K, V]) -> None:
        """Have at hand what these keys stand for."""
        self._found.update(found)

    def prime(self, key: K, value: V) -> Self:
        """Have the value at hand for the key, unless it is already."""
        self._found.setdefault(key, value)
        return self

    def clear(self, key: K) -> Self:
        """Forget what the key stands for."""
        self._found.pop(key, None)
        self._single.clear(key)
        return self

    def clear_all(self) -> Self:
        """Forget everything."""
        self._found.clear()
        self._single.clear_all()
        return self
