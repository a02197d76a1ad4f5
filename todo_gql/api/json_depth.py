"""The limits on JSON texts: their nesting, and the number of their lists and objects."""

import re
from itertools import accumulate
from operator import neg
from typing import Final

MAX_NESTING: Final = 32
# Creating and freeing a container takes as long as parsing a hundred characters.
MAX_CONTAINERS: Final = 20_000
BRACKETS: Final = b"[{]}"
# Reduces a text to square brackets and quotation marks.
ALIKE: Final = bytes.maketrans(b"{}", b"[]")
OTHERS: Final = bytes(sign for sign in range(256) if sign not in BRACKETS + b'"')
BACKSLASH: Final = b"\\"
# Innermost brackets are removed while each pass leaves at most this part of the text.
LONG_RUNS: Final = 0.75
RUNS: Final = re.compile(rb"\[+|\]+")


def is_too_deep(text: bytes, most: int = MAX_NESTING) -> bool:
    """Whether a valid JSON text is nested more than `most` levels deep.

    The text is checked, since visiting tens of thousands of values takes far longer.
    """
    # Brackets in strings count here too: the exact check is needed for few texts only.
    if text.count(b"[") + text.count(b"{") <= most:
        return False
    signs = _brackets(text)
    for level in range(most):
        if not signs:
            return False
        shorter = signs.replace(b"[]", b"")
        if len(shorter) > len(signs) * LONG_RUNS:
            return _depth(signs) > most - level
        signs = shorter
    return bool(signs)


def has_too_many_containers(text: bytes, most: int = MAX_CONTAINERS) -> bool:
    """Whether a text, which may be invalid JSON, opens more than `most` lists and objects."""
    # Few texts are long enough.
    if len(text) <= 2 * most or text.count(b"[") + text.count(b"{") <= most:
        return False
    return _brackets(text).count(b"[") > most


def _brackets(text: bytes) -> bytes:
    """The brackets outside strings, all as square ones."""
    if BACKSLASH in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Adjacent quotation marks change nothing about where other strings begin and end.
    signs = text.translate(ALIKE, OTHERS).replace(b'""', b"")
    return b"".join(signs.split(b'"')[::2]) if b'"' in signs else signs


def _depth(signs: bytes) -> int:
    """The nesting depth of brackets that come in long runs."""
    lengths = list(map(len, RUNS.findall(signs)))
    lengths[1::2] = map(neg, lengths[1::2])
    return max(accumulate(lengths))
