"""The text that searches look through: whatever is in a text is found there, and nothing else."""

import json
import re
from itertools import pairwise

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from todo_gql.api.folding import MAX_PIECE, folded
from todo_gql.api.search_text import (
    FIELD,
    LARGE_RUN,
    MARK,
    MAX_FOLDED,
    alphabet_of,
    expressions,
    marked_query,
    search_text,
)

# Alphabets, scripts with large ones, signs, and what folding changes or joins.
CHARS = (
    "aab1 _%\\-\n\u00e9\u00fc\u00df\u0130\u0131I\u01b0\u01a1\u1ec7\u0436\u0416\u044f\u03c3\u03c2\u03a3"
    "\u05d0\u0627\u06a9\u064b\u0915\u094d\u093f\u0e01\u10d0\u1100\u1161\u11a8\uac00\uac01\ud55c\u4e70"
    "\u725b\u5976\u3042\u30a2\uff71\uff21\ufb01\u2026\u20ac\U0001f389\U0001f1e9\u200d\ufe0f\u0301"
    "\u0307\u0323\U00020000\ufdfa\u212a"
)
TEXTS = st.text(st.one_of(st.sampled_from(CHARS), st.characters(codec="utf-8", categories=["L"])))


@given(TEXTS, TEXTS, TEXTS)
@example("\u4e70\u725b\u5976", "\u725b", "")
@example("\u4e70\u725b\u5976", "\u725b\u5976", "")
@example("\u4e70\u725b", "\u725b", "a")
@example("I", "\u0131", "\u0307")
def test_a_part_of_a_text_is_a_part_of_its_search_text(
    text: str, part: str, description: str
) -> None:
    """A folded query is a substring of a folded text exactly if it is one with the marks."""
    stored = search_text(text, description)
    plain = folded(f"{text}{FIELD}{description}" if description else text)
    assert (marked_query(part) in stored) == (folded(part) in plain)


@given(TEXTS, st.integers(0, 9), st.integers(1, 4))
def test_every_part_of_a_text_is_found(text: str, begin: int, length: int) -> None:
    """A substring of the folded text, wherever it is cut, is a substring of the search text."""
    part = folded(text)[begin : begin + length]
    assert folded(part) != part or marked_query(part) in search_text(text, None)


@pytest.mark.parametrize("begins", range(0, MAX_PIECE, 17))
@pytest.mark.parametrize(
    "letters",
    [
        "a\u0323\u0301",
        "\u1112\u1161\u11ab",
        "\uff8a\uff9f",
        "\u0130\u03a3",
        "\u0995\u09c7\u09be",
        "e\u0345\u0301",
    ],
)
def test_long_texts_fold_like_short_ones(letters: str, begins: int) -> None:
    """Letters of several characters are folded as one, wherever in a long text they stand."""
    number = MAX_PIECE // len(letters)
    text = "x" * begins + letters * 2 * number
    assert folded(text) == "x" * begins + folded(letters * number) * 2


@given(TEXTS, TEXTS)
def test_alphabets_follow_each_other_after_a_mark(title: str, description: str) -> None:
    """The character after one of an alphabet is of the same one or of all, or a mark."""
    stored = search_text(title, description)
    for char, follower in pairwise(stored):
        if (alphabet := alphabet_of(char)) is not None:
            assert alphabet_of(follower) in (None, alphabet)
            assert not LARGE_RUN.match(follower)
    assert stored.endswith(MARK)


@pytest.mark.parametrize(
    ("title", "stored"),
    [
        ("Buy MILK", "buy milk"),
        ("\u0130\u015f \u039f\u0394\u039f\u03a3", "i\u015f \u03bf\u03b4\u03bf\u03c3"),
        ("Stra\u00dfe \ufb01n\u0065\u0301 \uff21\uff22", "strasse fin\u00e9 ab"),
        ("\u041cir", f"\u043c{MARK}ir"),
        ("\u4e70\u725b\u5976", f"{MARK}\u4e70\u725b{MARK}\u725b\u5976{MARK}\u5976{MARK}"),
        ("a\uac00 b", f"a{MARK}\uac00{MARK} b"),
    ],
    ids=ascii,
)
def test_search_texts_of_some_titles(title: str, stored: str) -> None:
    """A title is folded, marked between alphabets, and in pairs of large characters."""
    assert search_text(title, None) == stored + MARK
    assert search_text(title, "x") == f"{stored}{FIELD}x{MARK}"


def test_what_stands_for_many_characters_is_cut() -> None:
    """The search text of the longest title and description has a limit."""
    assert len(search_text("a", "\ufdfa" * 5_000)) == MAX_FOLDED + 1
    assert len(search_text("\u4e70" * 200, "\u4e70" * 5_000)) <= 3 * 5_200 + 4


@given(
    TEXTS,
    st.text(
        st.sampled_from("abq1\u00e9\u0153\u0436\u044f\u03c3\u05d0\u0627\u06a9 -+_.\\^]"), max_size=3
    ),
)
@example("xab", "ab")
@example("ab", "b")
def test_expressions_match_what_has_the_query(title: str, part: str) -> None:
    """One of the expressions matches a search text exactly if the query is a part of it."""
    marked, stored = marked_query(part), search_text(title + part[:1] + title, None)
    for text in (stored, search_text(title + part + title, title)):
        if found := marked and expressions(marked):
            matched = any(re.search(expression, text, re.ASCII) for expression in found)
            assert matched == (marked in text)


SHORT = [
    "ab",
    "\u0436\u0431",
    "\u03b1\u03b2",
    "\u05d0\u05d1",
    "\u0627\u0628",
    "\u00e9t",
    "a ",
    "c++",
    "1)",
]


@pytest.mark.parametrize("text", SHORT, ids=ascii)
async def test_postgres_takes_trigrams_of_every_expression(database_url: str, text: str) -> None:
    """The index finds nothing for an expression where nothing is, and doesn't read all entries."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "CREATE TEMPORARY TABLE texts AS SELECT 'zzzz' AS text FROM generate_series(1, 100)"
    )
    await connection.execute("CREATE INDEX texts_by_text ON texts USING gin (text gin_trgm_ops)")
    await connection.execute("SET enable_seqscan = off")
    for expression in expressions(marked_query(text)):
        plan = await connection.fetchval(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT FROM texts WHERE text ~ $1", expression
        )
        [scan] = json.loads(plan)[0]["Plan"]["Plans"]
        assert (scan["Index Name"], scan["Actual Rows"]) == ("texts_by_text", 0)
    await connection.close()
