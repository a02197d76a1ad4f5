"""The limit on the time of an operation."""

import asyncio

import pytest

from tests.support.waiting import PutForward
from todo_gql.http.graphql.timeout import Deadline


async def test_what_takes_too_long_is_ended() -> None:
    """An operation that takes too long ends with a TimeoutError, and its task can go on."""
    limit = Deadline(0.01)
    with pytest.raises(TimeoutError), limit:
        await asyncio.sleep(5)
    assert limit.expired()
    await asyncio.sleep(0)


async def test_what_ends_in_time_is_left_alone(put_forward: PutForward) -> None:
    """Nothing comes after it."""
    limit = Deadline(5)
    with limit:
        pass
    put_forward(6)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not limit.expired()


async def test_an_error_of_the_block_stays_what_it_is() -> None:
    """The limit has nothing to do with it."""
    with pytest.raises(ZeroDivisionError), Deadline(5):
        raise ZeroDivisionError


async def test_a_cancellation_from_outside_stays_one() -> None:
    """Whoever cancels the task is no timeout, though both come at the same moment."""

    async def work() -> None:
        with Deadline(0):
            await asyncio.sleep(5)

    early, late = asyncio.create_task(work()), asyncio.create_task(work())
    await asyncio.sleep(0)
    early.cancel()
    late.get_loop().call_soon(late.cancel)
    for task in (early, late):
        with pytest.raises(asyncio.CancelledError):
            await task
