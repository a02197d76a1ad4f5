"""The fair queue: which caller is served next."""

import asyncio
from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from todo_gql.database.fair_queue import FairQueue

SLOTS, SHARE = 4, 2
STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "return", "leave"]), st.sampled_from("abcd")), max_size=60
)


class Room:
    """Places that callers take in queue, as a pool's connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.queue = FairQueue[None](SHARE)
        self.free = SLOTS
        self.waiting: dict[asyncio.Future[None], tuple[str, int]] = {}
        self.number = count()

    def acquire(self, caller: str) -> None:
        """Hold a slot, or wait for one."""
        if self.free and self.queue.acquire(caller):
            self.free -= 1
            return
        served = self.loop.create_future()
        self.waiting[served] = caller, next(self.number)
        self.queue.enqueue(caller, served)

    def give_back(self, caller: str) -> None:
        """Release a slot, if the caller holds one, and serve the next waiter."""
        if not self.queue.held.get(caller):
            return
        self.queue.release(caller)
        held = Counter(self.queue.held)
        may = {who for who, _ in self.waiting.values() if held[who] < SHARE}
        served = self.queue.next_waiter()
        assert (served is None) == (not may)
        if served is None:
            self.free += 1
            return
        who, number = self.waiting.pop(served)
        assert held[who] == min(held[one] for one in may)
        assert number == min([number, *(n for one, n in self.waiting.values() if one == who)])

    def leave(self, caller: str) -> None:
        """Cancel the caller's last waiter, as a cancelled task does."""
        for served, (who, _) in reversed(self.waiting.items()):
            if who == caller:
                served.cancel()
                del self.waiting[served]
                self.queue.remove(caller, served)
                return


@given(STEPS)
def test_whoever_holds_the_least_is_next(steps: list[tuple[str, str]]) -> None:
    """Nobody holds more than a share, no waiter is skipped, and no slot stays free in vain."""
    loop = asyncio.new_event_loop()
    room = Room(loop)
    does = {"ask": room.acquire, "return": room.give_back, "leave": room.leave}
    for step, caller in steps:
        does[step](caller)
        held = Counter(room.queue.held)
        assert held.total() == SLOTS - room.free
        assert all(number <= SHARE for number in held.values())
        assert room.queue.waiting == len(room.waiting)
        if room.free:
            assert all(held[who] == SHARE for who, _ in room.waiting.values())
    loop.close()


async def test_equals_are_served_in_turn() -> None:
    """A caller with many waiters isn't served twice before another caller is served once."""
    queue, loop = FairQueue[None](1), asyncio.get_running_loop()
    queue.acquire("owner of all")
    whose = {}
    for caller in [*"aaaa", *"bb", "c"]:
        served = loop.create_future()
        whose[served] = caller
        queue.enqueue(caller, served)
    order = ""
    queue.release("owner of all")
    while served_next := queue.next_waiter():
        order += whose[served_next]
        queue.release(whose[served_next])
    assert order == "abcabaa"


async def test_who_was_given_up_is_passed_over() -> None:
    """A cancelled waiter is skipped, even before it is removed from the queue."""
    queue, loop = FairQueue[None](1), asyncio.get_running_loop()
    gone, there = loop.create_future(), loop.create_future()
    queue.enqueue("a", gone)
    queue.enqueue("b", there)
    gone.cancel()
    assert queue.next_waiter() is there
    assert (queue.held, queue.waiting) == ({"b": 1}, 0)


async def test_only_others_keep_one_waiting() -> None:
    """A waiter that only its own caller keeps waiting isn't overdue."""
    queue, loop = FairQueue[None](1), asyncio.get_running_loop()
    own, kept = loop.create_future(), loop.create_future()
    queue.acquire("a")
    queue.enqueue("a", own)
    queue.enqueue("b", kept)
    assert list(queue.remove_overdue(60)) == []
    assert list(queue.remove_overdue(0)) == [kept]
    assert queue.waiting == 1
    queue.release("a")
    assert list(queue.remove_overdue(60)) == []
    assert list(queue.remove_overdue(0)) == [own]
    assert queue.next_waiter() is None
