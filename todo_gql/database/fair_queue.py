"""A queue that is fair between callers: who holds the fewest is served first, each in FIFO order."""

from asyncio import Future
from collections import OrderedDict
from collections.abc import Iterator
from time import monotonic
from typing import Generic, TypeAlias, TypeVar

from todo_gql.observability.request_record import Caller

Item = TypeVar("Item")
Line: TypeAlias = "OrderedDict[Future[Item], float]"
"""The waiters of one caller in FIFO order, each with the monotonic time of its arrival."""


class FairQueue(Generic[Item]):
    """Counts how many items each caller holds, at most `share`, and queues who waits for more.

    A caller who holds fewer than others is served before them; among equals, whoever has waited
    longest. So a caller who asks for a thousand at once delays nobody who asks for one. Every
    operation takes constant time, however many wait, but `remove_all` and `remove_overdue`.
    """

    def __init__(self, share: int) -> None:
        self.share = share
        self.held: dict[Caller, int] = {}
        self.lines: dict[Caller, Line[Item]] = {}
        # ready[n]: callers with waiters who hold n items, and since when they might hold one more.
        self.ready: list[OrderedDict[Caller, float]] = [OrderedDict() for _ in range(share)]

    def acquire(self, caller: Caller) -> bool:
        """Count one more item for a caller; False if they hold their share already."""
        held = self.held.get(caller, 0)
        if held >= self.share:
            return False
        self.held[caller] = held + 1
        return True

    def release(self, caller: Caller) -> None:
        """Count one item less for a caller."""
        held = self.held.pop(caller) - 1
        if held:
            self.held[caller] = held
        if caller in self.lines:
            was_full = held + 1 == self.share
            self.ready[held][caller] = monotonic() if was_full else self.ready[held + 1].pop(caller)

    def enqueue(self, caller: Caller, waiter: "Future[Item]") -> None:
        """Add a waiter at the end of its caller's line."""
        line, now = self.lines.get(caller), monotonic()
        if line is None:
            line = self.lines[caller] = OrderedDict()
            self._mark_ready(caller, now)
        line[waiter] = now

    def next_waiter(self) -> "Future[Item] | None":
        """Remove the waiter to be served next, and count an item for its caller.

        None when nobody waits whose caller may hold one more.
        """
        for held, callers in enumerate(self.ready):
            while callers:
                caller, _ = callers.popitem(last=False)
                line = self.lines[caller]
                waiter: Future[Item] | None
                waiter, _ = line.popitem(last=False)
                if waiter.done():
                    waiter = _first_pending(line)
                if waiter is not None:
                    self.held[caller] = held + 1
                if not line:
                    del self.lines[caller]
                else:
                    self._mark_ready(caller, monotonic())
                if waiter is not None:
                    return waiter
        return None

    def _mark_ready(self, caller: Caller, now: float) -> None:
        held = self.held.get(caller, 0)
        if held < self.share:
            self.ready[held][caller] = now

    def remove(self, caller: Caller, waiter: "Future[Item]") -> None:
        """Remove a waiter from its caller's line, if it is still there."""
        line = self.lines.get(caller)
        if line and line.pop(waiter, None) is not None and not line:
            self._remove_line(caller)

    def _remove_line(self, caller: Caller) -> None:
        del self.lines[caller]
        held = self.held.get(caller, 0)
        if held < self.share:
            del self.ready[held][caller]

    def has_waiter_for(self, caller: Caller) -> bool:
        """Whether anybody waits who could be served with the item that a caller releases."""
        return bool(self.lines) and (caller in self.lines or any(self.ready))

    @property
    def waiting(self) -> int:
        """How many wait, for others or for what their own caller holds."""
        return sum(map(len, self.lines.values()))

    def remove_all(self) -> "Iterator[Future[Item]]":
        """Remove every waiter, and return them."""
        for caller, line in list(self.lines.items()):
            self._remove_line(caller)
            yield from line

    def remove_overdue(self, seconds: float) -> "Iterator[Future[Item]]":
        """Remove those who have waited for so long because of other callers, and return them.

        A waiter whose own caller holds their share all the time isn't overdue.
        """
        before = monotonic() - seconds
        for callers in self.ready:
            for caller in [caller for caller, since in callers.items() if since <= before]:
                late = [waiter for waiter, since in self.lines[caller].items() if since <= before]
                for waiter in late:
                    self.remove(caller, waiter)
                yield from late


def _first_pending(line: "Line[Item]") -> "Future[Item] | None":
    """Remove the first waiter that isn't cancelled, and those before it; None if there is none."""
    while line:
        waiter, _ = line.popitem(last=False)
        if not waiter.done():
            return waiter
    return None
