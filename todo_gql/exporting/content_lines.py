"""The content lines of iCalendar (RFC 5545, section 3.1), which the other modules' components consist of."""

import re
from datetime import UTC, date, datetime
from typing import Final

MAX_OCTETS: Final = 75
"""The octets of a line without its line break; longer ones are folded."""

LINE_BREAK: Final = "\r\n"
CONTINUATION_BITS: Final = 0b11000000
CONTINUATION: Final = 0b10000000
"""The highest bits of an octet of UTF-8 that goes on with a character."""

_FOLD: Final = b"\r\n "
# Control characters can't be written; a tab can.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_END: Final = re.compile("\r\n|\r|\x85|\u2028|\u2029")
_ESCAPED: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


def text_value(text: str) -> str:
    """A text as a value of the type TEXT (section 3.3.11)."""
    return _UNWRITABLE.sub("", _LINE_END.sub("\n", text)).translate(_ESCAPED)


def moment_value(moment: datetime) -> str:
    """A moment as a value of the type DATE-TIME in UTC (section 3.3.5), to the second."""
    at = moment.astimezone(UTC)
    # strftime doesn't pad years before 1000 on every platform.
    return f"{at.year:04}{at.month:02}{at.day:02}T{at.hour:02}{at.minute:02}{at.second:02}Z"


def day_value(day: date) -> str:
    """A day as a value of the type DATE (section 3.3.4)."""
    return f"{day.year:04}{day.month:02}{day.day:02}"


def on_line(name: str, value: date | datetime) -> str:
    """The line of a property whose value is a moment, or else a day."""
    if isinstance(value, datetime):
        return f"{name}:{moment_value(value)}"
    return f"{name};VALUE=DATE:{day_value(value)}"


def minutes_value(minutes: int) -> str:
    """Minutes as a value of the type DURATION (section 3.3.6)."""
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    time = f"{hours}H" * bool(hours) + f"{rest}M" * bool(rest)
    return "P" + f"{days}D" * bool(days) + f"T{time}" * bool(time) if minutes else "PT0S"


def folded(line: str) -> bytes:
    """A line with its line break, folded after at most 75 octets, and never within a character."""
    if len(line) <= MAX_OCTETS and line.isascii():
        return line.encode() + b"\r\n"
    octets = line.encode()
    parts, start, room = [], 0, MAX_OCTETS
    while len(octets) - start > room:
        end = start + room
        while octets[end] & CONTINUATION_BITS == CONTINUATION:
            end -= 1
        parts.append(octets[start:end])
        # The space that a folded line begins with counts.
        start, room = end, MAX_OCTETS - 1
    parts.append(octets[start:])
    return _FOLD.join(parts) + b"\r\n"
