"""Loading columns of keys beside single ones, with no key loaded twice."""

import asyncio
from typing import Any

import pytest

from todo_gql.operation.dataloader import ColumnDataLoader


class Store:
    """A loader's batches, and a gate that holds them up until it is opened."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.loader: ColumnDataLoader[int, str] = ColumnDataLoader(self._load)

    async def _load(self, keys: list[int]) -> list[Any]:
        self.batches.append(keys)
        self.asked.set()
        await self.gate.wait()
        if 13 in keys:
            raise ConnectionError("Out of reach.")
        return [LookupError(str(key)) if key < 0 else str(key) for key in keys]


async def test_columns_and_single_keys_share_a_batch() -> None:
    """Columns and single keys asked for at once are loaded in one batch, each key once."""
    store = Store()
    one, two, single = await asyncio.gather(
        store.loader.load_column([1, 2, 1]),
        store.loader.load_column([2, 3]),
        store.loader.load(4),
    )
    assert (one, two, single) == (["1", "2", "1"], ["2", "3"], "4")
    assert [sorted(batch) for batch in store.batches] == [[1, 2, 3, 4]]


async def test_what_was_loaded_is_not_loaded_again() -> None:
    """Columns, single keys and primed values serve each other."""
    store = Store()
    store.loader.prime(9, "nine")
    await store.loader.load(1)
    assert await store.loader.load_column([1, 2, 9]) == ["1", "2", "nine"]
    assert await store.loader.load(2) == "2"
    assert store.batches == [[1], [2]]


async def test_what_is_on_its_way_is_waited_for() -> None:
    """A key that is being loaded already is not loaded again, for a column or alone."""
    store = Store()
    store.gate.clear()
    running = [
        asyncio.ensure_future(store.loader.load_column([1, 2])),
        asyncio.ensure_future(_single(store, 3)),
    ]
    await store.asked.wait()
    later = [
        asyncio.ensure_future(store.loader.load_column([2, 3])),
        asyncio.ensure_future(_single(store, 1)),
    ]
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*running, *later) == [["1", "2"], "3", ["2", "3"], "1"]
    assert store.batches == [[1, 2, 3]]


async def _single(store: Store, key: int) -> str:
    return await store.loader.load(key)


async def test_a_key_that_cannot_be_loaded_is_its_own_error() -> None:
    """Other keys of the column are not the worse for it."""
    store = Store()
    one, two = await store.loader.load_column([1, -1])
    assert one == "1"
    assert isinstance(two, LookupError)
    with pytest.raises(LookupError):
        await store.loader.load(-1)
    assert store.batches == [[1, -1]]


async def test_all_values_of_a_column_are_loaded_or_its_first_error_is_raised() -> None:
    """No error passes for a value."""
    store = Store()
    assert await store.loader.load_all([2, 1, 2]) == ["2", "1", "2"]
    with pytest.raises(LookupError, match="-2"):
        await store.loader.load_all([1, -2, -3])
    with pytest.raises(ConnectionError):
        await store.loader.load_all([4, 13])


async def test_a_batch_that_fails_is_tried_again_when_asked_again() -> None:
    """A failed batch is an error of each of its keys, and isn't remembered."""
    store = Store()
    errors = await store.loader.load_column([13, 14])
    assert [type(error) for error in errors] == [ConnectionError, ConnectionError]
    assert await store.loader.load_column([14]) == ["14"]


async def test_a_single_key_of_a_failed_batch_is_tried_again_when_asked_again() -> None:
    """Single keys forget a failed batch as columns do."""
    store = Store()
    results = await asyncio.gather(
        store.loader.load(13), store.loader.load(14), return_exceptions=True
    )
    assert [type(result) for result in results] == [ConnectionError, ConnectionError]
    assert await store.loader.load(14) == "14"


@pytest.mark.parametrize("forget", ["clear", "clear_all"])
async def test_what_is_forgotten_is_loaded_again(forget: str) -> None:
    """Clearing a key, or all, makes the loader ask for it anew."""
    store = Store()
    await store.loader.load_column([1])
    store.loader.clear(1) if forget == "clear" else store.loader.clear_all()
    assert await store.loader.load_column([1]) == ["1"]
    assert store.batches == [[1], [1]]
