"""Whose turn it is where callers share: who holds the least comes first, and each has a line."""

from asyncio import Future
from collections import OrderedDict
from collections.abc import Iterator
from time import monotonic
from typing import Generic, TypeAlias, TypeVar

from todo_gql.observability.observation import Caller

Given = TypeVar("Given")
Line: TypeAlias = "OrderedDict[Future[Given], float]"
"""Those who wait for one caller, and since when."""


class Turns(Generic[Given]):
    """How many each caller holds, at most `share`, and the lines of those who wait for more.

    Whoever holds fewer than others comes before them, and among equals who waits longest. So one who
    asks for a thousand at once keeps nobody waiting who asks for one. What is given, taken back and
    waited for takes the same time however many wait.
    """

    def __init__(self, share: int) -> None:
        self.share = share
        self.held: dict[Caller, int] = {}
        self.lines: dict[Caller, Line[Given]] = {}
        # Those with a line who hold so many, and since when they could have had one more.
        self.ready: list[OrderedDict[Caller, float]] = [OrderedDict() for _ in range(share)]

    def take(self, caller: Caller) -> bool:
        """Have a caller hold one more, if they may."""
        held = self.held.get(caller, 0)
        if held >= self.share:
            return False
        self.held[caller] = held + 1
        return True

    def leave(self, caller: Caller) -> None:
        """Note that a caller holds one less."""
        held = self.held[caller] - 1
        if held:
            self.held[caller] = held
        else:
            del self.held[caller]
        if caller in self.lines:
            was_full = held + 1 == self.share
            self.ready[held][caller] = monotonic() if was_full else self.ready[held + 1].pop(caller)

    def wait(self, caller: Caller, served: "Future[Given]") -> None:
        """Have a caller stand in their line from now on."""
        line = self.lines.get(caller)
        if line is None:
            line = self.lines[caller] = OrderedDict()
            self._stand_ready(caller)
        line[served] = monotonic()

    def next(self) -> "Future[Given] | None":
        """Whoever is next, who holds one more with that; None when nobody waits who may."""
        for callers in self.ready:
            while callers:
                caller, _ = callers.popitem(last=False)
                line = self.lines[caller]
                served = _first(line)
                if served is not None:
                    self.take(caller)
                if not line:
                    del self.lines[caller]
                else:
                    self._stand_ready(caller)
                if served is not None:
                    return served
        return None

    def _stand_ready(self, caller: Caller) -> None:
        held = self.held.get(caller, 0)
        if held < self.share:
            self.ready[held][caller] = monotonic()

    def forget(self, caller: Caller, served: "Future[Given]") -> None:
        """Let somebody leave their line, if they still stand there."""
        line = self.lines.get(caller)
        if line and line.pop(served, None) is not None and not line:
            self._end_line(caller)

    def _end_line(self, caller: Caller) -> None:
        del self.lines[caller]
        held = self.held.get(caller, 0)
        if held < self.share:
            del self.ready[held][caller]

    def is_wanted(self, caller: Caller) -> bool:
        """Whether anybody waits who may have what a caller is about to give back."""
        return bool(self.lines) and (caller in self.lines or any(self.ready))

    @property
    def waiting(self) -> int:
        """How many wait, for others or for what their own caller holds."""
        return sum(map(len, self.lines.values()))

    def all_who_wait(self) -> "Iterator[Future[Given]]":
        """Everybody; they stand in no line any more."""
        for caller, line in list(self.lines.items()):
            self._end_line(caller)
            yield from line

    def kept_waiting(self, seconds: float) -> "Iterator[Future[Given]]":
        """Those who wait for so long, in which their caller could have had one and got none.

        They stand in no line any more. Who waits for what their own caller holds isn't among them.
        """
        before = monotonic() - seconds
        for callers in self.ready:
            for caller in [caller for caller, since in callers.items() if since <= before]:
                late = [served for served, since in self.lines[caller].items() if since <= before]
                for served in late:
                    self.forget(caller, served)
                yield from late


def _first(line: "Line[Given]") -> "Future[Given] | None":
    """Take the first out of a line who hasn't been given up; None if there is nobody."""
    while line:
        served, _ = line.popitem(last=False)
        if not served.done():
            return served
    return None
