"""Case folding and canonical names, by which two texts are compared."""

import re
import unicodedata
from typing import Final

import idna.core

from todo_gql.api.text import IGNORABLE, WHITE_SPACE

NON_JOINER, JOINER = "\u200c", "\u200d"
# The class of the signs that join consonants, after or before which Indic scripts use joiners.
VIRAMA: Final = 9
# The characters around a joiner that are checked; combining marks may separate it from its letters.
AROUND: Final = 40

# Unicode's ignorable characters, annotation marks, and a musical note without a head.
IGNORED = re.compile(f"[{IGNORABLE}\ufff9-\ufffb\U0001d159]")
# A blank Braille cell looks like white space, though Unicode has it as a symbol.
AROUND_NAMES: Final = f"{WHITE_SPACE}\u2800"
SYMBOLS: Final = frozenset({"So", "Sm", "Sk"})
KEYCAP: Final = "\u20e3"
# Flags of regions: a black flag, and the region's code in letters that don't show.
FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,30}\U000e007f")
# Characters with variants that a variation selector chooses.
VARIED = re.compile(
    "[\u1000-\u109f\u1820-\u18aa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]"
)
SELECTOR = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# The Greek letter sigma, and its form at the end of words.
SIGMA, FINAL_SIGMA = "\u03c3", "\u03c2"
LAST_SIGMA = re.compile(rf"(?<=\w){SIGMA}(?!\w)")
# A second pass handles what the first has joined; a third usually changes nothing.
MAX_PASSES: Final = 4
MAX_PIECE: Final = 256
"""Characters that are folded at once. Sorting a letter's marks takes time by the square of their number."""
# A piece ends before a character that doesn't compose with the one before it: not before marks, nor before
# the vowels and final consonants of Hangul. Where there is no such character, it ends anywhere.
JOINING_HANGUL: Final = "\u1160-\u11ff\u3130-\u318f\uff9e-\uffdc"
PIECE = re.compile(
    rf"(?s:.{{1,{MAX_PIECE}}}(?=[\x00-\x7f]|(?![{JOINING_HANGUL}])\w|\Z)|.{{1,{MAX_PIECE}}})"
)


def folded(text: str, most: int | None = None) -> str:
    """The form for comparisons: NFKC, full case folding, and i without a combining dot.

    At most the first `most` characters of it.
    """
    if text.isascii():
        return text.lower()[:most]
    if len(text) <= MAX_PIECE:
        return _folded_piece(text)[:most]
    pieces, length = list[str](), 0
    for piece in PIECE.finditer(text):
        pieces.append(_folded_piece(piece[0]))
        length += len(pieces[-1])
        if most is not None and length >= most:
            break
    return "".join(pieces)[:most]


def _folded_piece(text: str) -> str:
    for _ in range(MAX_PASSES):
        before = text
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
        text = unicodedata.normalize("NFKC", text.replace("i\u0307", "i"))
        if text == before:
            break
    return text


def canonical_name(text: str) -> str:
    """The canonical form of a name: trimmed, folded, without ignorable characters.

    It is also displayed, so it has the final sigma at the end of Greek words.
    """
    if text.isascii():
        return text.strip(WHITE_SPACE).lower()
    for _ in range(MAX_PASSES):
        before = text
        text = folded(_without_ignored(unicodedata.normalize("NFKC", text))).strip(AROUND_NAMES)
        if text == before:
            break
    return LAST_SIGMA.sub(FINAL_SIGMA, text)


def _without_ignored(text: str) -> str:
    """The text without invisible characters that don't change the display of their neighbours."""
    if not IGNORED.search(text):
        return text
    in_flags = {index for flag in FLAG.finditer(text) for index in range(*flag.span())}
    result: list[str] = []
    for index, char in enumerate(text):
        if not IGNORED.match(char) or index in in_flags or _matters(text, index, result):
            result.append(char)
    return "".join(result)


def _matters(text: str, index: int, result: list[str]) -> bool:
    """Whether an ignorable character changes what is displayed; `result` is the text before it."""
    char, before, after = text[index], result[-1:], text[index + 1 : index + 2]
    if SELECTOR.match(char) and before:
        return (
            after == KEYCAP
            or unicodedata.category(before[0]) in SYMBOLS
            or VARIED.match(before[0]) is not None
        )
    if char == JOINER and before and after:
        of_emoji = _is_symbol(before[0]) and _is_symbol(after)
        return of_emoji or unicodedata.combining(after) == VIRAMA or _joins(text, index)
    return char == NON_JOINER and _joins(text, index)


def _is_symbol(char: str) -> bool:
    return unicodedata.category(char) in SYMBOLS or SELECTOR.match(char) is not None


def _joins(text: str, index: int) -> bool:
    """Whether a script needs a joiner at this index (RFC 5892, appendices A.1 and A.2)."""
    start = max(index - AROUND, 0)
    try:
        return idna.core.valid_contextj(text[start : index + AROUND], index - start)
    except ValueError:
        # A character that has no name yet is of no script.
        return False
