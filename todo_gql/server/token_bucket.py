"""How quickly somebody may send: a token bucket."""

from collections.abc import Callable


class Pace:
    """Allows so many a second, and once as many as `burst` at a time; 0 a second is no limit."""

    __slots__ = ("_clock", "_left", "_seen", "burst", "per_second")

    def __init__(self, per_second: int, burst: int, clock: Callable[[], float]) -> None:
        self.per_second = per_second
        self.burst = burst
        self._clock = clock
        self._left: float = burst
        self._seen = clock()

    def allows(self, number: int) -> bool:
        """Count what was sent; whether it is no more than is allowed."""
        if not self.per_second:
            return True
        now = self._clock()
        self._left = min(self.burst, self._left + (now - self._seen) * self.per_second) - number
        self._seen = now
        return self._left >= 0
