"""How deep JSON may be nested."""

import re
from itertools import accumulate
from operator import neg
from typing import Final

MAX_NESTING: Final = 32
BRACKETS: Final = b"[{]}"
# Both kinds of brackets as one; nothing else matters but where strings begin and end.
ALIKE: Final = bytes.maketrans(b"{}", b"[]")
OTHERS: Final = bytes(sign for sign in range(256) if sign not in BRACKETS + b'"')
BACKSLASH: Final = b"\\"
# Innermost brackets are taken out as long as that leaves at most so much of the rest.
LONG_RUNS: Final = 0.75
RUNS: Final = re.compile(rb"\[+|\]+")


def is_too_deep(text: bytes, most: int = MAX_NESTING) -> bool:
    """Whether a JSON text, which was parsed, is nested deeper than allowed.

    It is the text that is looked at, since to look at tens of thousands of values one by one takes
    far longer.
    """
    # What stands in strings is counted along, so that only few texts have to be looked at.
    if text.count(b"[") + text.count(b"{") <= most:
        return False
    if BACKSLASH in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotation marks side by side change nothing about where a string begins or ends.
    signs = text.translate(ALIKE, OTHERS).replace(b'""', b"")
    if b'"' in signs:
        signs = b"".join(signs.split(b'"')[::2])
    for level in range(most):
        if not signs:
            return False
        shorter = signs.replace(b"[]", b"")
        if len(shorter) > len(signs) * LONG_RUNS:
            return _depth(signs) > most - level
        signs = shorter
    return bool(signs)


def _depth(signs: bytes) -> int:
    """How deep brackets are nested that stand in runs of several."""
    lengths = list(map(len, RUNS.findall(signs)))
    lengths[1::2] = map(neg, lengths[1::2])
    return max(accumulate(lengths))
