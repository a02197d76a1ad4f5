"""A token bucket, which limits how often a client may send."""

from collections.abc import Callable


class TokenBucket:
    """Allows `per_second` messages a second, and bursts of `burst`; with 0 a second there is no limit."""

    __slots__ = ("_clock", "_left", "_seen", "burst", "per_second")

    def __init__(self, per_second: int, burst: int, clock: Callable[[], float]) -> None:
        self.per_second = per_second
        self.burst = burst
        self._clock = clock
        self._left: float = burst
        self._seen = clock()

    def allows(self, number: int) -> bool:
        """Count messages; whether they are within the limit."""
        if not self.per_second:
            return True
        now = self._clock()
        self._left = min(self.burst, self._left + (now - self._seen) * self.per_second) - number
        self._seen = now
        return self._left >= 0
