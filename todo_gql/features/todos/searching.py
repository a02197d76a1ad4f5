"""Searching in titles and descriptions, as conditions on the table `todos t`.

A search matches in three tiers: what contains its text; what has a word that begins with each of its words,
in any order; and, only where fewer than ten of the owner's todos match so, what has similar words.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from todo_gql.api.search_text import (
    expressions,
    is_latin_word,
    marked_query,
    word_beginning,
    words_of,
)
from todo_gql.database.select import Ranges, SelectQuery

Bind = Callable[[object], str]
"""Binds a value to the statement, and returns its placeholder."""

MAX_WORDS: Final = 8
"""A longer text is looked for as a whole alone."""
FEW: Final = 10
MAX_SIMILAR: Final = 100
MIN_SIMILARITY: Final = 0.5

# The release before leaves the search text of what it writes null, until a worker fills it in.
UNFILLED_TEXT: Final = r"lower(t.title || E'\x1f' || coalesce(t.description, ''))"

SET_SIMILARITY: Final = (
    f"(SELECT set_config('pg_trgm.word_similarity_threshold', '{MIN_SIMILARITY}', true)) <> ''"
)
# Evaluated before the rows are read, each once, and in this order. The setting is the statement's.
SIMILAR: Final = f"""t.id = ANY((
    SELECT array_agg(n.id) FROM (
        SELECT s.id FROM todos s WHERE s.owner_id = $1 AND {{scope}} AND {{condition}}
            AND {SET_SIMILARITY}
            AND (SELECT count(*) FROM (
                SELECT FROM todos f WHERE f.owner_id = $1 AND {{exact_scope}} AND ({{exact}}) LIMIT {FEW}
            ) few) < {FEW}
        LIMIT {MAX_SIMILAR}
    ) n
)::uuid[])"""


def matches(bind: Bind, text: str, scope: str | None = None, ranges: Ranges | None = None) -> str:
    """Whether a todo matches a search, as an SQL condition.

    Similar words are looked for with a scope alone: an SQL condition on `t` that the statement has besides
    the owner, who is its `$1`, or besides its ranges.
    """
    words = words_of(text, MAX_WORDS + 1)
    if len(words) > MAX_WORDS:
        words = ()
    exact = _exact(bind, text, words)
    if scope is None or not any(map(is_latin_word, words)):
        return exact
    similar = _similar(ranges).format(
        scope=scope.replace("t.", "s."),
        condition=_all_similar(bind, words).replace("t.", "s."),
        exact_scope=scope.replace("t.", "f."),
        exact=exact.replace("t.", "f."),
    )
    return f"{exact} OR {similar}"


@cache
def _similar(ranges: Ranges | None) -> str:
    """`SIMILAR` among the todos of ranges."""
    if ranges is None:
        return SIMILAR
    few = _of_ranges(ranges, "f").where("{exact_scope} AND ({exact})").select(("1",), limit=FEW)
    similar = _of_ranges(ranges, "s").where("{scope} AND {condition}")
    similar.where(SET_SIMILARITY).where(f"(SELECT count(*) FROM ({few}) few) < {FEW}")
    ids = similar.select(("s.id",), limit=MAX_SIMILAR)
    return f"t.id = ANY((SELECT array_agg(n.id) FROM ({ids}) n)::uuid[])"


def _of_ranges(ranges: Ranges, alias: str) -> SelectQuery:
    first, of_each = (text.replace("t.", f"{alias}.") for text in (ranges.first, ranges.of_each))
    renamed = ranges._replace(alias=alias, first=first, of_each=of_each)
    return SelectQuery(f"todos {alias}", renamed)


def _exact(bind: Bind, text: str, words: Sequence[str]) -> str:
    """Whether a todo contains the text or, in any order, words that begin with its words."""
    marked = marked_query(text)
    parts = [f"t.search_text ~ {bind(pattern)}" for pattern in expressions(marked)] or [
        f"t.search_text LIKE {bind(like_pattern(marked))}"
    ]
    if len(words) > 1:
        parts.append(f"({all_words('t.search_text', [bind(word_beginning(w)) for w in words])})")
    unfilled = f"{UNFILLED_TEXT} LIKE lower({bind(like_pattern(text))})"
    return " OR ".join([*parts, f"t.search_text IS NULL AND {unfilled}"])


def all_words(text: str, beginnings: list[str]) -> str:
    """Whether all of these regular expressions match a text; none do without one."""
    return " AND ".join(f"{text} ~ {beginning}" for beginning in beginnings) or "FALSE"


def _all_similar(bind: Bind, words: Sequence[str]) -> str:
    """Whether the text has a word that is similar to each of these, or begins with a short one."""
    return " AND ".join(
        # Estimating how many match, for a word that is known when it is planned, takes 10 ms.
        f"t.search_text %> (SELECT {bind(word)}::text)"
        if is_latin_word(word)
        else f"t.search_text ~ {bind(word_beginning(word))}"
        for word in words
    )


def like_pattern(text: str) -> str:
    """The pattern of LIKE for what contains a text."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
