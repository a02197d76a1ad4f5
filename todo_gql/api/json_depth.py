"""How deep JSON may be nested, and how many lists and objects it may hold."""

import re
from itertools import accumulate
from operator import neg
from typing import Final

MAX_NESTING: Final = 32
# Each takes as long to be made and freed as a hundred characters; no client of ours sends a tenth.
MAX_CONTAINERS: Final = 20_000
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
    """Whether a text, which may be no JSON, opens more lists and objects than allowed."""
    # Hardly any text is long enough.
    if len(text) <= 2 * most or text.count(b"[") + text.count(b"{") <= most:
        return False
    return _brackets(text).count(b"[") > most


def _brackets(text: bytes) -> bytes:
    """The brackets that stand in no string, those of objects as those of lists."""
    if BACKSLASH in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotation marks side by side change nothing about where a string begins or ends.
    signs = text.translate(ALIKE, OTHERS).replace(b'""', b"")
    return b"".join(signs.split(b'"')[::2]) if b'"' in signs else signs


def _depth(signs: bytes) -> int:
    """How deep brackets are nested that stand in runs of several."""
    lengths = list(map(len, RUNS.findall(signs)))
    lengths[1::2] = map(neg, lengths[1::2])
    return max(accumulate(lengths))
