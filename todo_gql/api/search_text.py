"""The text that searches look through, and what is looked for in it.

A trigram index (pg_trgm) finds parts of words that have three letters. In scripts with large alphabets,
whose words often have one or two characters, the stored text therefore has marks, so that every such
word has trigrams of its own. A query is marked in the same way: it is a substring of a stored text
exactly if the folded query is a substring of the folded text. Marks are control characters, which no
text and no query may contain.
"""

import re
from functools import lru_cache
from typing import Final

from todo_gql.api.folding import folded

MAX_FOLDED: Final = 20_800
"""Characters of the folded text that are stored: four times the longest title and description. Only a
text of characters that stand for many others, such as U+FDFA, is longer, and is cut."""
FIELD: Final = "\x1f"
"""Between title and description, so that nothing matches across them."""
MARK: Final = "\x1e"
"""A border of words, where the text itself has none."""

# From here on each character counts as a word: ideographs, kana, Hangul, symbols, and a few others.
FIRST_LARGE: Final = "\u1100"
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
    return f"{text.lower() if text.isascii() else _marked(folded(text)[:MAX_FOLDED])}{MARK}"


def marked_query(text: str) -> str:
    """The folded and marked form of a text to look for, a substring of what has the text."""
    if text.isascii():
        return text.lower()
    text = folded(text)
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
