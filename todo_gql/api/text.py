"""Validation and normalization of text that people type."""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final, TypeAlias

from todo_gql.api.errors import ErrorCode

Problem: TypeAlias = tuple[ErrorCode, str]

# The maximum ratio of the length of a raw text to its maximum length after normalization.
RAW: Final = 4

# White space that is trimmed. Python's `strip` would trim control characters as well.
WHITE_SPACE: Final = (
    " \t\n\r\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# Control characters (category Cc) and lone surrogates: what a terminal acts on, what PostgreSQL
# can't store, and what UTF-8 can't write. And what turns the text around it: with an override or
# an embedding a name shows as another one (Unicode's UAX 9). Marks such as U+200E do no more than a
# letter does, and people who write from right to left type them.
OF_ANY_TEXT = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
REFUSED_IN_LINES = re.compile(f"[{OF_ANY_TEXT}]")
REFUSED = re.compile(f"[{OF_ANY_TEXT}\t\n\r\u2028\u2029]")

# Invisible characters: Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties, and BLANK,
# which are blank or format characters without that property.
IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
BLANK: Final = "\u2800\ufff9-\ufffb\U00013430-\U0001343f\U0001d159"
SHOWN = re.compile(rf"[^{IGNORABLE}{BLANK}\s]")

# Unicode's Stream-Safe Text Format (UAX 15): no script needs more, and the time to normalise grows
# with their square.
MAX_MARKS: Final = 30


@cache
def _stacked() -> re.Pattern[str]:
    """A pattern for more combining marks in a row than any script needs."""
    marks = "".join(char for char in map(chr, range(0x300, 0x1E950)) if unicodedata.combining(char))
    return re.compile(f"[{marks}]{{{MAX_MARKS + 1}}}")


def read_text(
    value: str,
    *,
    shortest: int = 0,
    longest: int,
    multiline: bool = False,
    as_typed: bool = False,
) -> tuple[str, Problem | None]:
    """The text to store, and the first rule that it breaks, or None.

    It is normalized (NFC) and trimmed, not trimmed if `as_typed`; a text without visible characters
    becomes empty. Lengths are in characters. Only `multiline` text may contain line breaks and tabs.
    """
    if len(value) <= longest and value.isascii() and value.isprintable():
        text = value if as_typed and not value.isspace() else value.strip()
        return text, None if len(text) >= shortest else _too_short(shortest)
    if len(value) > RAW * longest:
        return value, _too_long(longest)
    return _read_unusual(value, shortest, longest, multiline, as_typed)


# A request may use one variable in a hundred arguments.
@lru_cache(maxsize=64)
def _read_unusual(
    value: str, shortest: int, longest: int, multiline: bool, as_typed: bool
) -> tuple[str, Problem | None]:
    text = value if as_typed else value.strip(WHITE_SPACE)
    if problem := raw_problem(text, longest=longest, multiline=multiline):
        return text, problem
    text = unicodedata.normalize("NFC", text) if shows(text) else ""
    return text, _length_problem(text, shortest, longest)


def text_problem(
    value: str, *, shortest: int = 0, longest: int, multiline: bool = False
) -> Problem | None:
    """The first rule that a text breaks, as a code and a message; None if it is valid.

    Lengths are in characters. Only `multiline` text may contain line breaks and tabs.
    """
    return raw_problem(value, longest=longest, multiline=multiline) or _length_problem(
        value, shortest, longest
    )


def raw_problem(value: str, *, longest: int, multiline: bool = False) -> Problem | None:
    """The first rule that a raw text breaks before normalization: its length or its characters."""
    if len(value) > RAW * longest:
        return _too_long(longest)
    refused = REFUSED_IN_LINES if multiline else REFUSED
    if not value.isprintable() and (match := refused.search(value)):
        return (
            ErrorCode.INVALID,
            f"Remove the character U+{ord(match[0]):04X}: it is not allowed here.",
        )
    if not value.isascii() and _stacked().search(value):
        return ErrorCode.INVALID, f"Use at most {MAX_MARKS} combining marks on one character."
    return None


def shows(value: str) -> bool:
    """Whether a text has a visible character."""
    return SHOWN.search(value) is not None


def _length_problem(value: str, shortest: int, longest: int) -> Problem | None:
    if len(value) < shortest:
        return _too_short(shortest)
    return _too_long(longest) if len(value) > longest else None


def _too_short(shortest: int) -> Problem:
    return ErrorCode.TOO_SHORT, f"Use at least {_characters(shortest)}."


def _too_long(longest: int) -> Problem:
    return ErrorCode.TOO_LONG, f"Use at most {_characters(longest)}."


def _characters(number: int) -> str:
    return "1 character" if number == 1 else f"{number:,} characters"


def cleaned(value: str | None, longest: int) -> str | None:
    """A header or other text of a program, without control characters, cut to `longest`; None if blank."""
    text = REFUSED.sub("", (value or "")[: RAW * longest]).strip()[:longest]
    return text if shows(text) else None
