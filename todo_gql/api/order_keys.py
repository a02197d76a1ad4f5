"""Keys of order: texts that sort things by code points, with room for another one between any two.

They have the format of the packages `fractional-indexing` on npm and PyPI, in base 62: an integer, whose
first letter says how many digits it has, and the digits of a fraction, which doesn't end in 0. Those
packages take the middle between two keys, so that each insert at the same point costs a bit: 10,000
inserts at the same key make one of 1,700 characters there. Here they are counted instead.

https://observablehq.com/@dgreensp/implementing-fractional-indexing
"""

from typing import Final, Literal, TypeAlias

DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE: Final = len(DIGITS)
MAX_KEY: Final = 120
"""Characters of a key, above which a list is to be numbered anew."""
STEP_DIGITS: Final = 2
"""Digits by which the fraction grows when there is no room: 3,844 inserts at the same point need two more."""
STEP: Final = BASE**STEP_DIGITS
POSITION_DIGITS: Final = 6

VALUES: Final = {digit: value for value, digit in enumerate(DIGITS)}

Bound: TypeAlias = Literal["lower", "upper"]
"""One of the two keys between which a new one is made."""


def key_between(lower: str | None, upper: str | None, near: Bound) -> str:
    """A key after `lower` and before `upper`, where None is the start or the end of the list.

    What is inserted after an item is to be near the upper bound, and what is inserted before one near the
    lower bound, so that the room stays where the next insert at the same item is made. `ValueError`
    unless `lower` sorts before `upper`.
    """
    return keys_between(lower, upper, 1, near)[0]


def keys_between(lower: str | None, upper: str | None, count: int, near: Bound) -> list[str]:
    """As many keys between two bounds, in ascending order; raises as `key_between`."""
    if lower is not None and upper is not None and lower >= upper:
        raise ValueError(f"{lower!r} doesn't sort before {upper!r}.")
    low, low_fraction = _parse(lower) if lower is not None else (None, "")
    high, high_fraction = _parse(upper) if upper is not None else (None, "")
    if low is None or high is None:
        first = _first_integer(low, high, bool(high_fraction), count)
        return [_format(first + index, 0) for index in range(count)]
    digits = 0
    while (room := high - low - 1 + bool(high_fraction[digits:])) < count:
        low = low * STEP + _number(low_fraction, digits)
        high = high * STEP + _number(high_fraction, digits)
        digits += STEP_DIGITS
    # On every other level from the other side: items that are inserted each after the one before then
    # count on a level of their own, instead of taking a level each.
    from_high = (near == "upper") is (digits // STEP_DIGITS % 2 == 1)
    first = low + 1 + (room - count if from_high else 0)
    return [_format(first + index, digits) for index in range(count)]


def position_key(number: int) -> str:
    """The key of an item that nobody moved, by a number from 0 to 62^6 - 1, as SQL's `position_key`."""
    return "f" + _digits(number, POSITION_DIGITS)


def _first_integer(low: int | None, high: int | None, has_fraction: bool, count: int) -> int:
    """The first of `count` integers that end before `high`, or begin after `low`, or at 0."""
    if high is not None:
        return high + has_fraction - count
    return 0 if low is None else low + 1


def _parse(key: str) -> tuple[int, str]:
    """The integer of a key, and the digits of its fraction."""
    head = ord(key[0])
    # From a0 to zzz… they count up from 0, from Zz to A00… down from -1.
    length = head - ord("a") + 1 if head >= ord("a") else ord("Z") - head + 1
    number, fraction = _number(key[1 : length + 1], 0, length), key[length + 1 :]
    if head >= ord("a"):
        return _shorter(length) + number, fraction
    return number - BASE**length - _shorter(length), fraction


def _format(number: int, fraction_digits: int) -> str:
    """The key of a number that has been shifted by so many digits."""
    integer, fraction = divmod(number, BASE**fraction_digits)
    distance = integer if integer >= 0 else -1 - integer
    length = 1
    while distance >= _shorter(length + 1):
        length += 1
    if integer >= 0:
        head, value = chr(ord("a") + length - 1), integer - _shorter(length)
    else:
        head, value = chr(ord("Z") - length + 1), integer + BASE**length + _shorter(length)
    return head + _digits(value, length) + _digits(fraction, fraction_digits).rstrip("0")


def _shorter(length: int) -> int:
    """How many integers from 0 on have fewer digits."""
    return sum(BASE**digits for digits in range(1, length))


def _number(digits: str, start: int, length: int = STEP_DIGITS) -> int:
    """The number that so many digits stand for; those that are missing at the end are 0."""
    number = 0
    for digit in digits[start : start + length].ljust(length, "0"):
        number = number * BASE + VALUES[digit]
    return number


def _digits(number: int, length: int) -> str:
    """The digits of a number, as many as `length`."""
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, BASE)
        digits = DIGITS[digit] + digits
    return digits
