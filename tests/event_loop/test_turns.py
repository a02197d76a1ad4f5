"""Long work of several requests takes turns of the event loop, where its times would add up."""

import asyncio
import random
from functools import partial
from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.waiting import Turns, counted_turns
from todo_gql.event_loop.time_slice import FIRST_SLICE_SECONDS, TimeSlice, next_turn
from todo_gql.event_loop.turn_queue import TurnQueue
from todo_gql.execution.execution import Execution
from todo_gql.http.graphql import long_responses
from todo_gql.http.graphql.response import pieces

NUMBER = 5


async def wait_for_turn(turns: Turns, begun: list[int]) -> None:
    """Note the turn in which the task goes on."""
    await next_turn()
    begun.append(turns.number)


async def test_one_task_goes_on_in_each_turn() -> None:
    """One task goes on in each turn, in the order in which they began to wait."""
    begun = list[tuple[int, int]]()

    async def work(number: int) -> None:
        await next_turn()
        begun.append((turns.number, number))

    async with counted_turns() as turns:
        await asyncio.gather(*map(work, range(NUMBER)))
    assert [number for _, number in begun] == list(range(NUMBER))
    assert len({turn for turn, _ in begun}) == NUMBER


def test_a_queue_that_became_empty_still_calls_one_in_each_turn() -> None:
    """The last callback is removed after the next call was scheduled, and others come then."""
    loop, queue, calls = asyncio.new_event_loop(), TurnQueue(), list[str]()
    turns = list[list[str]]()

    def turn(*actions: Any) -> None:
        before = len(calls)
        for action in actions:
            loop.call_soon(action)
        loop.call_soon(loop.stop)
        loop.run_forever()
        turns.append(calls[before:])

    first, second, *others = [partial(calls.append, name) for name in "abcdefg"]
    queue.wait(first, loop)
    queue.wait(second, loop)
    turn()
    queue.remove(second)
    for other in others:
        queue.wait(other, loop)
    for _ in range(6):
        turn()
    loop.close()
    assert turns == [["a"], ["c"], ["d"], ["e"], ["f"], ["g"], []]


async def test_who_is_cancelled_while_waiting_changes_nothing_for_others() -> None:
    """Whoever is cancelled, and whenever, no two others go on in the same turn, and all do."""
    chance = random.Random(1)
    begun = list[int]()
    async with counted_turns() as turns:
        waiting = list[asyncio.Task[None]]()
        for _ in range(300):
            waiting += [asyncio.create_task(wait_for_turn(turns, begun)) for _ in range(2)]
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            chance.choice(waiting).cancel()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert len(begun) == len(set(begun)) == outcomes.count(None)
    assert 0 < outcomes.count(None) < len(outcomes)


async def test_a_callback_that_fails_holds_up_no_other() -> None:
    """The error goes to the event loop's handler."""
    loop, queue, calls, errors = asyncio.get_running_loop(), TurnQueue(), list[int](), list[Any]()
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    called = asyncio.Event()

    def fail() -> None:
        raise ZeroDivisionError

    queue.wait(fail, loop)
    queue.wait(partial(calls.append, 1), loop)
    queue.wait(called.set, loop)
    await called.wait()
    assert calls == [1]
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_another_event_loop_begins_with_an_empty_queue() -> None:
    """What waited in one that has ended isn't waited for."""

    async def leave_waiting() -> None:
        asyncio.get_running_loop().create_task(next_turn())
        await asyncio.sleep(0)

    async def wait() -> int:
        begun = list[int]()
        async with counted_turns() as turns:
            await asyncio.gather(*(wait_for_turn(turns, begun) for _ in range(NUMBER)))
        return len(set(begun))

    asyncio.run(leave_waiting())
    assert asyncio.run(wait()) == NUMBER


async def test_work_waits_only_when_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first slice is shorter than others, since several tasks may begin theirs in one turn."""
    now = 100.0
    monkeypatch.setattr("todo_gql.event_loop.time_slice.monotonic", lambda: now)
    async with counted_turns() as turns:
        time_slice = TimeSlice()

        async def waits() -> bool:
            before = turns.number
            await time_slice.checkpoint()
            return turns.number > before

        await asyncio.sleep(0)
        assert not await waits()
        now += FIRST_SLICE_SECONDS * 2
        assert await waits()
        now += FIRST_SLICE_SECONDS * 2
        assert not await waits()
        now += FIRST_SLICE_SECONDS * 5
        assert await waits()


async def created(account: Account, number: int) -> None:
    """Create todos with metadata that are long together."""
    inputs = [{"title": f"{n}", "metadata": {"n": n, "a": [[]] * 1_000}} for n in range(number)]
    await account.create_many(inputs)


async def test_long_answers_are_completed_and_serialized_in_turns(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only one of several long answers is worked on in each turn of the event loop."""
    await created(account, 10)
    noted = list[tuple[str, int]]()
    complete = Execution._complete_column

    def noted_complete(self: Execution, *arguments: Any) -> Any:
        noted.append(("complete", turns.number))
        return complete(self, *arguments)

    def noted_pieces(value: Any) -> Any:
        noted.append(("serialize", turns.number))
        return pieces(value)

    monkeypatch.setattr(Execution, "_complete_column", noted_complete)
    monkeypatch.setattr(long_responses, "pieces", noted_pieces)
    query = "{ todos(first: 80) { nodes { id title description metadata history(first: 5)"
    query += " { nodes { fields { name after } } } } } }"
    async with counted_turns() as turns:
        answers = await asyncio.gather(*(account.data(query) for _ in range(NUMBER)))
    assert [len(answer["todos"]["nodes"]) for answer in answers] == [10] * NUMBER
    for kind in ("complete", "serialize"):
        begun = [turn for noted_kind, turn in noted if noted_kind == kind]
        assert len(begun) >= NUMBER
        assert len(set(begun)) == len(begun)
