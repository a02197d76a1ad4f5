"""How long a server asks to wait (RFC 9110, section 10.2.3)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

# More than anybody waits; a number of any length would overflow.
MAX_SECONDS: Final = 24 * 60 * 60 + 1


def retry_after(value: str | None, now: datetime | None = None) -> timedelta | None:
    """How long a Retry-After header asks to wait; None if it says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:10]), MAX_SECONDS))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        # The latter for a day, an hour or a zone of very many digits.
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - (now or datetime.now(UTC)), timedelta(0))
