"""The text that searches look through, and what is looked for in it.

A trigram index (pg_trgm) finds parts of words that have three letters. In scripts with large alphabets,
whose words often have one or two characters, the stored text therefore has marks, so that every such
word has trigrams of its own. A query is marked in the same way: it is a substring of a stored text
exactly if the folded query is a substring of the folded text. Marks are control characters, which no
text and no query may contain.

Two letters of an alphabet are found by regular expressions of which pg_trgm takes trigrams: the marks
between alphabets limit which characters may follow.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from todo_gql.api.folding import folded

MAX_FOLDED: Final = 20_800
"""Characters of the folded text that are stored: four times the longest title and description. Only a
text of characters that stand for many others, such as U+FDFA, is longer, and is cut."""
MAX_QUERIES: Final = 32
"""Texts to look for that are cached: several parts of a statement, and fields of a document, use the same."""
FIELD: Final = "\x1f"
"""Between title and description, so that nothing matches across them."""
MARK: Final = "\x1e"
"""A border of words, where the text itself has none."""

# From here on each pair of characters counts as a word: of the scripts of India and East Asia, and
# symbols. Regular expressions with classes of these aren't served by the index.
FIRST_LARGE: Final = "\u0800"
LARGE: Final = f"{FIRST_LARGE}-\U0010ffff"
# Below, characters are of alphabets: Latin, and blocks of 256, most of which are of one or two scripts.
# What isn't letter or digit of ASCII belongs to every alphabet.
LATIN: Final = "0-9A-Za-z\x80-\u017f"
FIRST_NOT_ASCII: Final = 0x80
FIRST_NOT_LATIN: Final = 0x180
BLOCK: Final = 256

LARGE_RUN = re.compile(f"[{LARGE}]+")


def search_text(title: str, description: str | None) -> str:
    """The folded and marked text of a todo's title and description, to be stored."""
    text = f"{title}{FIELD}{description}" if description else title
    return f"{text.lower() if text.isascii() else _marked(folded(text, MAX_FOLDED))}{MARK}"


@lru_cache(MAX_QUERIES)
def marked_query(text: str) -> str:
    """The folded and marked form of a text to look for, a substring of what has the text."""
    if text.isascii():
        return text.lower()
    text = folded(text, MAX_FOLDED)
    marked = _marked(text)
    # The last character's word goes on where another large character follows.
    return marked.removesuffix(MARK) if text[-1:] >= FIRST_LARGE else marked


def _marked(text: str) -> str:
    alphabets = frozenset(map(alphabet_of, set(text))) - {None}
    if len(alphabets) > 1:
        text = _borders(alphabets).sub(rf"\g<0>{MARK}", text)
    return LARGE_RUN.sub(_pairs, text)


def alphabet_of(char: str) -> str | None:
    """The alphabet of a character as the content of a class of a regular expression.

    None for one that belongs to every alphabet, and for large ones.
    """
    code = ord(char)
    if code < FIRST_NOT_LATIN:
        return LATIN if code >= FIRST_NOT_ASCII or char.isalnum() else None
    if char >= FIRST_LARGE:
        return None
    first = max(code - code % BLOCK, FIRST_NOT_LATIN)
    return f"{chr(first)}-{chr(first | BLOCK - 1)}"


@lru_cache
def _borders(alphabets: frozenset[str]) -> re.Pattern[str]:
    """Characters of one of these alphabets before one of another."""
    pairs = [f"[{one}](?=[{''.join(sorted(alphabets - {one}))}])" for one in alphabets]
    return re.compile("|".join(pairs))


def _pairs(run: re.Match[str]) -> str:
    """Each large character with the one that follows it as a word: in pairs, few are common."""
    text = run[0]
    words = [text[index : index + 2] for index in range(len(text))]
    return f"{MARK}{MARK.join(words)}{MARK}"


# pg_trgm takes trigrams of a regular expression of which there are at most 128.
CLASS_SIZE: Final = 100
MIN_SIMILAR: Final = 4
"""Letters of the shortest word of which similar ones are looked for."""
ALPHABET_CODES: Final = range(0x20, ord(FIRST_LARGE))


def has_trigrams(marked: str) -> bool:
    """Whether a marked query has trigrams, whatever stands before and after it."""
    seen = ""
    for char in marked:
        seen = f"{seen[-2:]}{'x' if _is_of_word(char) else ' '}"
        if seen.endswith((" x", "xxx", "xx ")):
            return True
    return False


def expressions(marked: str) -> list[str]:
    """Regular expressions of which one matches a search text exactly if a marked query is a part of it.

    They have trigrams where the query has none of its own. Empty where no such expressions are known.
    """
    if has_trigrams(marked):
        return []
    alphabet, literal = alphabet_of(marked[0]), re.escape(marked)
    if alphabet is None or marked[1:] == "":
        return []
    if _is_of_word(marked[1]):
        return [f"{literal}{follower}" for follower in _classes(alphabet)]
    return [f"^{literal}", *(f"{before}{literal}" for before in _classes(alphabet))]


@lru_cache(MAX_QUERIES)
def words_of(text: str, most: int) -> Sequence[str]:
    """The marked words of a text to look for, at most the first so many."""
    words = folded(text, MAX_FOLDED).split(maxsplit=most)[:most]
    return tuple(_marked(word).removesuffix(MARK) for word in words)


def word_beginning(marked: str) -> str:
    """A regular expression of the words that begin with a marked word.

    Large characters, and signs, are found within words too, as writing doesn't part them.
    """
    alphabet = alphabet_of(marked[0])
    if alphabet is None or not _is_of_word(marked[0]):
        return re.escape(marked)
    _, others = _neighbours(alphabet)
    return f"(?:^|[{''.join(map(re.escape, others))}]){re.escape(marked)}"


def is_latin_word(marked: str) -> bool:
    """Whether a marked word is four letters of the Latin alphabet, or more."""
    return len(marked) >= MIN_SIMILAR and all(
        char.isalpha() and alphabet_of(char) == LATIN for char in marked
    )


@cache
def _neighbours(alphabet: str) -> tuple[list[str], list[str]]:
    """What may stand beside a character of an alphabet in a search text: of words, and others."""
    chars = [char for char in map(chr, ALPHABET_CODES) if alphabet_of(char) == alphabet]
    words = [char for char in chars if folded(char) == char and _is_of_word(char)]
    others = [char for char in chars if folded(char) == char and not _is_of_word(char)]
    others += [char for char in map(chr, range(1, 0x80)) if alphabet_of(char) is None]
    return words, others


@cache
def _classes(alphabet: str) -> list[str]:
    """Classes of all characters that may stand beside one of an alphabet in a search text."""
    words, others = _neighbours(alphabet)
    parts = [words[start : start + CLASS_SIZE] for start in range(0, len(words), CLASS_SIZE)]
    # These are all one to pg_trgm: the border of a word.
    parts[-1] = [*parts[-1], *others]
    return [f"[{''.join(map(re.escape, part))}]" for part in parts]


def _is_of_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"
