"""When an event that failed is sent again, as Standard Webhooks recommends."""

from datetime import timedelta
from typing import Final

IN_LINE: Final = (timedelta(seconds=5), timedelta(minutes=5))
"""How long the event at the head of the line waits after each failure; then it steps aside."""

BESIDE_THE_LINE: Final = (
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""How long it waits then; after the last of these it is given up."""

DELAYS: Final = (*IN_LINE, *BESIDE_THE_LINE)
MAX_DELAY: Final = timedelta(hours=24)
MAX_FAILING: Final = timedelta(days=5)
"""How long deliveries may fail, without one that succeeds, until the webhook is disabled."""


def delay_after(failures: int, retry_after: timedelta | None) -> timedelta | None:
    """How long to wait after so many failures, or as long as the endpoint asked; None after the last one."""
    if failures > len(DELAYS):
        return None
    return max(DELAYS[failures - 1], min(retry_after or timedelta(0), MAX_DELAY))
