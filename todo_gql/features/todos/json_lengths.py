"""The length of JSON as PostgreSQL writes it, computed from compact JSON.

It writes a space after each comma and colon, and numbers without an exponent: 1e300 has 301 digits.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from todo_gql.features.todos.canonical_json import NO_METADATA

STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
# For JSON without its strings.
NUMBER_WITH_EXPONENT: Final = re.compile(r"-?\d+(?:\.\d+)?e[+-]?\d+")


def postgres_overhead(metadata: str) -> int:
    """By how many bytes PostgreSQL's text is longer than compact JSON."""
    return 0 if metadata == NO_METADATA else sum(_overhead(metadata))


def exponent_digits(metadata: str) -> int:
    """By how many bytes compact JSON grows if its numbers are written without an exponent."""
    return 0 if metadata == NO_METADATA else _overhead(metadata)[1]


# The todos of a bulk action may have the same metadata.
@lru_cache(maxsize=16)
def _overhead(metadata: str) -> tuple[int, int]:
    """The bytes added by spaces, and by digits."""
    without_strings = STRING.sub("", metadata)
    numbers = NUMBER_WITH_EXPONENT.findall(without_strings)
    digits = sum(expanded_length(number) - len(number) for number in numbers)
    return without_strings.count(",") + without_strings.count(":"), digits


def expanded_length(text: str) -> int:
    """The number of characters of a number written without an exponent."""
    return len(f"{Decimal(text):f}")
