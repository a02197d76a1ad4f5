"""How long JSON is as PostgreSQL writes it, found without writing it anew.

It writes a space after each comma and colon, and numbers without an exponent: 1e300 has 301 digits.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from todo_gql.features.todos.state import NO_METADATA

STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
# Of JSON without its strings.
NUMBER_WITH_EXPONENT: Final = re.compile(r"-?\d+(?:\.\d+)?e[+-]?\d+")


def longer_by(metadata: str) -> int:
    """How many bytes longer compact JSON is as PostgreSQL writes it."""
    return 0 if metadata == NO_METADATA else sum(_longer(metadata))


def digits_in(metadata: str) -> int:
    """How many bytes longer compact JSON is with all digits of its numbers, and no spaces."""
    return 0 if metadata == NO_METADATA else _longer(metadata)[1]


# The todos of a bulk action may share one.
@lru_cache(maxsize=16)
def _longer(metadata: str) -> tuple[int, int]:
    """How much longer it is by spaces, and by digits."""
    signs = STRING.sub("", metadata)
    numbers = NUMBER_WITH_EXPONENT.findall(signs)
    digits = sum(length_of_number(number) - len(number) for number in numbers)
    return signs.count(",") + signs.count(":"), digits


def length_of_number(text: str) -> int:
    """How many characters a number has without an exponent."""
    return len(f"{Decimal(text):f}")
