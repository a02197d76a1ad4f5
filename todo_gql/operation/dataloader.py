"""A DataLoader that loads whole columns of keys for the engine, and single keys for resolvers."""

from asyncio import Future, get_running_loop, sleep
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

from aiodataloader import DataLoader

from todo_gql.execution import may_batch

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# A DataLoader dispatches its batch so many iterations of the event loop after the first `load`.
DISPATCH_ITERATIONS = 3


class _Batch(Generic[K]):
    """Keys that are loaded together, by the first caller that requested one of them."""

    __slots__ = ("error", "keys", "waiting")

    def __init__(self) -> None:
        self.keys: dict[K, None] = {}
        self.error: Exception | None = None
        self.waiting: list[Future[None]] = []

    async def finished(self) -> None:
        """Wait until the batch is loaded or has failed."""
        # A future for each waiter: a cancelled task cancels the future that it awaits.
        waiter = get_running_loop().create_future()
        self.waiting.append(waiter)
        await waiter

    def finish(self) -> None:
        """Wake up all waiters."""
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_result(None)


class ColumnDataLoader(Generic[K, V]):
    """Batches concurrent loads into one call of `load_keys`, and caches the values.

    A column of keys needs neither tasks nor futures: the first caller makes the call, and the others
    wait for it. Single keys go through a DataLoader, whose batches join those of columns.
    """

    def __init__(
        self, load_keys: Callable[[list[K]], Coroutine[Any, Any, Sequence[V | Exception]]]
    ) -> None:
        self._load_keys = load_keys
        self._cache: dict[K, V | Exception] = {}
        self._pending: dict[K, _Batch[K]] = {}
        self._open: _Batch[K] | None = None

    @property
    def _single_is_used(self) -> bool:
        return "_single" in self.__dict__

    @cached_property
    def _single(self) -> DataLoader[K, V]:
        # DataLoader requires a coroutine function; it raises exceptions that are returned as values.
        async def load(keys: list[K]) -> list[Any]:
            values = await self.load_column(keys)
            for key in keys:
                # DataLoader would cache the error of the whole batch too.
                if key not in self._cache:
                    single.clear(key)
            return values

        single: DataLoader[K, V] = DataLoader(load)
        return single

    def load(self, key: K) -> "Future[V]":
        """A future of the value of one key."""
        return self._single.load(key)

    async def load_one(self, key: K) -> V:
        """The value of one key; raises its exception. Costs no task, as a column."""
        if key in self._cache:
            value = self._cache[key]
        elif self._pending or may_batch():
            [value] = await self.load_column([key])
        else:
            [value] = await self._load_keys([key])
            self._cache[key] = value
        if isinstance(value, Exception):
            raise value
        return value

    def cached(self, keys: Sequence[K]) -> list[V | Exception] | None:
        """The values of the keys if all of them are cached; None otherwise."""
        try:
            return list(map(self._cache.__getitem__, keys))
        except KeyError:
            return None

    async def load_column(self, keys: Sequence[K]) -> list[V | Exception]:
        """The value of each key, or the exception with which its load failed."""
        failed: dict[K, Exception] = {}
        while missing := [k for k in dict.fromkeys(keys) if not (k in self._cache or k in failed)]:
            if own := [key for key in missing if key not in self._pending]:
                failed |= await self._load(own)
            else:
                batch = self._pending[missing[0]]
                await batch.finished()
                if batch.error is not None:
                    failed |= {key: batch.error for key in missing if key in batch.keys}
        values = {**self._cache, **failed} if failed else self._cache
        return list(map(values.__getitem__, keys))

    async def load_all(self, keys: Sequence[K]) -> list[V]:
        """The value of each key; raises the first exception among them."""
        values = list[V]()
        for value in await self.load_column(keys):
            if isinstance(value, Exception):
                raise value
            values.append(value)
        return values

    async def _load(self, keys: list[K]) -> dict[K, Exception]:
        """Load the keys, alone or in another caller's batch; returns the exceptions of failed keys."""
        batch = self._open
        leads = batch is None
        if batch is None:
            batch = self._open = _Batch[K]()
        batch.keys.update(dict.fromkeys(keys))
        self._pending.update(dict.fromkeys(keys, batch))
        if leads:
            await self._lead(batch)
        else:
            await batch.finished()
        return {} if batch.error is None else dict.fromkeys(keys, batch.error)

    async def _lead(self, batch: _Batch[K]) -> None:
        try:
            if may_batch():
                # Tasks that are ready to run may still join the batch, and so may the tasks that await them.
                await sleep(0)
                for _ in range(DISPATCH_ITERATIONS if self._single_is_used else 1):
                    await sleep(0)
            self._open = None
            keys = list(batch.keys)
            self._cache.update(zip(keys, await self._load_keys(keys), strict=True))
        except Exception as error:  # noqa: BLE001 - becomes the error of each key
            batch.error = error
        finally:
            if self._open is batch:
                self._open = None
            for key in batch.keys:
                del self._pending[key]
            batch.finish()

    def prime_many(self, values: Mapping[K, V]) -> None:
        """Cache the values of these keys, replacing those already cached."""
        self._cache.update(values)

    def prime(self, key: K, value: V) -> Self:
        """Cache the value of a key, unless it has one."""
        self._cache.setdefault(key, value)
        return self

    def clear(self, key: K) -> Self:
        """Remove a key from the cache."""
        self._cache.pop(key, None)
        self._single.clear(key)
        return self

    def clear_all(self) -> Self:
        """Remove all keys from the cache."""
        self._cache.clear()
        self._single.clear_all()
        return self
