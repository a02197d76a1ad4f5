"""How much each caller may still do: counts over a sliding window, in this process."""

import time
from collections.abc import Hashable
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Final

REQUESTS: Final = 0
COST: Final = 1
EVENTS: Final = 2


@dataclass(slots=True)
class Count:
    """What a caller used up in a window, in the one before, and didn't tell the other replicas.

    Each is a list of numbers by kind: of requests, of their cost, and of the cost of events.
    """

    used: list[int]
    before: list[int]
    untold: list[int]


@dataclass(slots=True)
class Quota:
    """What a caller has left of a limit, the seconds until it is counted anew, and to wait."""

    left: int
    resets_in: int
    wait: int


class Quotas:
    """Counts requests, their cost, and that of events by caller.

    The window that slides is weighed from two that don't: of what was used up in the one before,
    as large a part counts as the sliding one still covers. That takes two numbers a caller, and
    what is forgotten goes with its whole window.
    """

    def __init__(self, limits: tuple[int, int, int], period: int) -> None:
        self.limits = limits
        self.period = period
        self._window = 0
        self._began = -inf
        self._counts: dict[Hashable, Count] = {}
        self._before: dict[Hashable, Count] = {}

    def take(self, caller: Hashable, kind: int, amount: int) -> Quota:
        """Use up some of a limit, unless the caller would have to wait for that first."""
        now = time.time()
        elapsed = now - self._began
        if not 0 <= elapsed < self.period:
            elapsed = self._slide(now)
        limit = self.limits[kind]
        count = self._counts.get(caller)
        if count is None:
            before = self._before.get(caller)
            count = Count([0, 0, 0], before.used if before else [0, 0, 0], [0, 0, 0])
            self._counts[caller] = count
        past = count.before[kind]
        used = count.used[kind]
        room: float = limit - used
        if past:
            # Who waits as long as told isn't to fail by a rounding.
            room = round(room - past * (1 - elapsed / self.period), 6)
        if room < amount:
            wait = self._wait(limit - amount, used, past, elapsed)
            return Quota(max(0, floor(room)), wait, wait)
        count.used[kind] = used + amount
        count.untold[kind] += amount
        return Quota(int(room - amount), ceil(self.period - elapsed), 0)

    def _wait(self, bound: int, used: int, past: int, elapsed: float) -> int:
        """The seconds until no more than `bound` counts as used."""
        if used <= bound and past:
            until = self.period * (1 - (bound - used) / past)
        else:
            until = self.period * (2 - bound / used) if used > 0 else self.period
        return max(1, ceil(round(until - elapsed, 6)))

    def _slide(self, now: float) -> float:
        """Begin the window of now; the seconds that are over of it."""
        window, elapsed = divmod(now, self.period)
        if window != self._window:
            self._before = self._counts if window == self._window + 1 else {}
            self._counts = {}
            self._window = int(window)
            self._began = now - elapsed
        return elapsed

    @property
    def window(self) -> int:
        """The number of the current window, the same on all machines."""
        return self._window

    def untold(self, caller: Hashable, kind: int) -> int:
        """What the caller used up that the other replicas don't know of."""
        count = self._counts.get(caller)
        return count.untold[kind] if count else 0

    def tell(self, caller: Hashable, kind: int) -> int:
        """What there is to tell the other replicas, which is taken as told from now on."""
        count = self._counts[caller]
        amount, count.untold[kind] = count.untold[kind], 0
        return amount

    def learn(self, caller: Hashable, kind: int, window: int, total: int) -> None:
        """Take in what all replicas counted in a window."""
        count = self._counts.get(caller)
        if count and window == self._window:
            count.used[kind] = max(count.used[kind], total + count.untold[kind])

    def retell(self, caller: Hashable, kind: int, window: int, amount: int) -> None:
        """Note that telling an amount failed."""
        count = self._counts.get(caller)
        if count and window == self._window:
            count.untold[kind] += amount
