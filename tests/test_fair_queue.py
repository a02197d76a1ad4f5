"""Whose turn it is."""

import asyncio
from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from todo_gql.database.fair_queue import Turns

PLACES, SHARE = 4, 2
STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "return", "leave"]), st.sampled_from("abcd")), max_size=60
)


class Room:
    """Places that callers take in turns, as a pool's connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.turns = Turns[None](SHARE)
        self.free = PLACES
        self.waiting: dict[asyncio.Future[None], tuple[str, int]] = {}
        self.number = count()

    def ask(self, caller: str) -> None:
        """Take a place, or stand in line."""
        if self.free and self.turns.take(caller):
            self.free -= 1
            return
        served = self.loop.create_future()
        self.waiting[served] = caller, next(self.number)
        self.turns.wait(caller, served)

    def give_back(self, caller: str) -> None:
        """Give back a place, if the caller has one, and let whoever's turn it is have it."""
        if not self.turns.held.get(caller):
            return
        self.turns.leave(caller)
        held = Counter(self.turns.held)
        may = {who for who, _ in self.waiting.values() if held[who] < SHARE}
        served = self.turns.next()
        assert (served is None) == (not may)
        if served is None:
            self.free += 1
            return
        who, number = self.waiting.pop(served)
        assert held[who] == min(held[one] for one in may)
        assert number == min([number, *(n for one, n in self.waiting.values() if one == who)])

    def leave(self, caller: str) -> None:
        """Let the last of a caller's line give up, as a task does that is cancelled."""
        for served, (who, _) in reversed(self.waiting.items()):
            if who == caller:
                served.cancel()
                del self.waiting[served]
                self.turns.forget(caller, served)
                return


@given(STEPS)
def test_whoever_holds_the_least_is_next(steps: list[tuple[str, str]]) -> None:
    """Nobody holds more than a share, none of a line is passed over, and no place stays empty."""
    loop = asyncio.new_event_loop()
    room = Room(loop)
    does = {"ask": room.ask, "return": room.give_back, "leave": room.leave}
    for step, caller in steps:
        does[step](caller)
        held = Counter(room.turns.held)
        assert held.total() == PLACES - room.free
        assert all(number <= SHARE for number in held.values())
        assert room.turns.waiting == len(room.waiting)
        if room.free:
            assert all(held[who] == SHARE for who, _ in room.waiting.values())
    loop.close()


async def test_equals_are_served_in_turn() -> None:
    """One with a long line doesn't come twice before another one with as little comes once."""
    turns, loop = Turns[None](1), asyncio.get_running_loop()
    turns.take("owner of all")
    whose = {}
    for caller in [*"aaaa", *"bb", "c"]:
        served = loop.create_future()
        whose[served] = caller
        turns.wait(caller, served)
    order = ""
    turns.leave("owner of all")
    while served_next := turns.next():
        order += whose[served_next]
        turns.leave(whose[served_next])
    assert order == "abcabaa"


async def test_who_was_given_up_is_passed_over() -> None:
    """Though nobody has said yet that they left."""
    turns, loop = Turns[None](1), asyncio.get_running_loop()
    gone, there = loop.create_future(), loop.create_future()
    turns.wait("a", gone)
    turns.wait("b", there)
    gone.cancel()
    assert turns.next() is there
    assert (turns.held, turns.waiting) == ({"b": 1}, 0)


async def test_only_others_keep_one_waiting() -> None:
    """Who waits for what their own caller holds isn't told that others keep them waiting."""
    turns, loop = Turns[None](1), asyncio.get_running_loop()
    own, kept = loop.create_future(), loop.create_future()
    turns.take("a")
    turns.wait("a", own)
    turns.wait("b", kept)
    assert list(turns.kept_waiting(60)) == []
    assert list(turns.kept_waiting(0)) == [kept]
    assert turns.waiting == 1
    turns.leave("a")
    assert list(turns.kept_waiting(60)) == []
    assert list(turns.kept_waiting(0)) == [own]
    assert turns.next() is None
