"""The rules for text that people type, whatever it is about."""

import re
from typing import TypeAlias

from todo_gql.errors import ErrorCode

Problem: TypeAlias = tuple[ErrorCode, str]

# Control characters (category Cc) and lone surrogates: what a terminal acts on, what PostgreSQL
# can't store, and what UTF-8 can't write.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
UNPRINTABLE_IN_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def text_problem(
    value: str, *, shortest: int = 0, longest: int, multiline: bool = False
) -> Problem | None:
    """What is wrong with `value`, as a code and a message; None when nothing is.

    Lengths are in characters. Only `multiline` text may hold line breaks and tabs.
    """
    unprintable = UNPRINTABLE_IN_LINES if multiline else UNPRINTABLE
    if not value.isprintable() and (found := unprintable.search(value)):
        return ErrorCode.INVALID, f"The character U+{ord(found[0]):04X} is not allowed here."
    if len(value) < shortest:
        return ErrorCode.TOO_SHORT, f"At least {_characters(shortest)}, please."
    if len(value) > longest:
        return ErrorCode.TOO_LONG, f"At most {_characters(longest)}, please."
    return None


def _characters(number: int) -> str:
    return "1 character" if number == 1 else f"{number:,} characters"


def cleaned(value: str | None, longest: int) -> str | None:
    """What is printable in `value`, cut to `longest` characters; None when nothing is left."""
    return UNPRINTABLE.sub("", value or "").strip()[:longest] or None
