"""Rate limiting by a sliding window counter, in the memory of this process.

The algorithm is the approximation with two fixed windows that Cloudflare describes
(https://blog.cloudflare.com/counting-things-a-lot-of-different-things/).
"""

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
    """A caller's use in the current window, in the previous one, and what other replicas don't know yet.

    Each is a list indexed by kind: REQUESTS, COST (of operations) and EVENTS (their cost).
    """

    used: list[int]
    previous: list[int]
    unsynced: list[int]


@dataclass(slots=True)
class Quota:
    """What remains of a limit, the seconds until the window ends, and the seconds to wait (0: none)."""

    left: int
    resets_in: int
    wait: int


class SlidingWindowCounter:
    """Counts requests, their cost, and the cost of events per caller.

    The use in a sliding window is the current fixed window's, plus the previous one's weighted by the
    part that the sliding window still overlaps. That takes two numbers per caller and kind, and
    callers are removed with their window. `period` is in seconds.
    """

    def __init__(self, limits: tuple[int, int, int], period: int) -> None:
        self.limits = limits
        self.period = period
        self._window = 0
        self._window_start = -inf
        self._counts: dict[Hashable, Count] = {}
        self._previous: dict[Hashable, Count] = {}

    def take(self, caller: Hashable, kind: int, amount: int) -> Quota:
        """Use `amount` of a limit if that much remains; the quota says whether to wait instead."""
        now = time.time()
        elapsed = now - self._window_start
        if not 0 <= elapsed < self.period:
            elapsed = self._slide(now)
        limit = self.limits[kind]
        count = self._counts.get(caller)
        if count is None:
            previous = self._previous.get(caller)
            count = Count([0, 0, 0], previous.used if previous else [0, 0, 0], [0, 0, 0])
            self._counts[caller] = count
        past = count.previous[kind]
        used = count.used[kind]
        room: float = limit - used
        if past:
            # Rounded, so that a retry after exactly the time to wait doesn't fail.
            room = round(room - past * (1 - elapsed / self.period), 6)
        if room < amount:
            wait = self._wait(limit - amount, used, past, elapsed)
            return Quota(max(0, floor(room)), wait, wait)
        count.used[kind] = used + amount
        count.unsynced[kind] += amount
        return Quota(int(room - amount), ceil(self.period - elapsed), 0)

    def _wait(self, bound: int, used: int, past: int, elapsed: float) -> int:
        """The seconds until at most `bound` counts as used."""
        if used <= bound and past:
            until = self.period * (1 - (bound - used) / past)
        else:
            until = self.period * (2 - bound / used) if used > 0 else self.period
        return max(1, ceil(round(until - elapsed, 6)))

    def _slide(self, now: float) -> float:
        """Switch to the window of `now`; returns the seconds elapsed in it."""
        window, elapsed = divmod(now, self.period)
        if window != self._window:
            self._previous = self._counts if window == self._window + 1 else {}
            self._counts = {}
            self._window = int(window)
            self._window_start = now - elapsed
        return elapsed

    @property
    def window(self) -> int:
        """The number of the current window, the same on all machines."""
        return self._window

    def unsynced(self, caller: Hashable, kind: int) -> int:
        """What the caller used that other replicas don't know of yet."""
        count = self._counts.get(caller)
        return count.unsynced[kind] if count else 0

    def take_unsynced(self, caller: Hashable, kind: int) -> int:
        """The unsynced amount, which counts as synced from now on."""
        count = self._counts[caller]
        amount, count.unsynced[kind] = count.unsynced[kind], 0
        return amount

    def merge(self, caller: Hashable, kind: int, window: int, total: int) -> None:
        """Merge the total of all replicas in a window."""
        count = self._counts.get(caller)
        if count and window == self._window:
            count.used[kind] = max(count.used[kind], total + count.unsynced[kind])

    def restore_unsynced(self, caller: Hashable, kind: int, window: int, amount: int) -> None:
        """Restore an unsynced amount after its synchronization failed."""
        count = self._counts.get(caller)
        if count and window == self._window:
            count.unsynced[kind] += amount
