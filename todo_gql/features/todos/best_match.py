"""The order of todos that a search finds, best match first."""

from typing import Final, NamedTuple
from uuid import UUID

import orjson

from todo_gql.api.connections import PageArguments
from todo_gql.api.keyset import Keyset, SortKey, parse_number, parse_time, parse_uuid
from todo_gql.api.search_text import FIELD, marked_query, word_beginning, words_of
from todo_gql.database.connection import fetch
from todo_gql.database.models import Status
from todo_gql.database.select import SelectQuery
from todo_gql.features.todos.searching import (
    MAX_WORDS,
    MIN_SIMILARITY,
    UNFILLED_TEXT,
    Bind,
    all_words,
)
from todo_gql.features.todos.sorting import NEWEST_FIRST

MAX_RANKED: Final = 500
"""Of more matches than this, the newest come first: to rank them all would take too long."""
# Where a word is rare, the estimate is some ten thousandths of the owner's todos.
MAX_ESTIMATED: Final = 5_000

TEXT: Final = f"coalesce(t.search_text, {UNFILLED_TEXT})"
TITLE: Final = f"split_part({TEXT}, E'\\x{ord(FIELD):02x}', 1)"
IS_DONE: Final = f"(t.status IN ({Status.COMPLETED.value}, {Status.CANCELLED.value}))::int"


class SearchOrder(NamedTuple):
    """The statement of a page of what a search finds, its order, and a statement of all it finds."""

    statement: SelectQuery
    keyset: Keyset
    whole: SelectQuery


async def in_best_order(
    statement: SelectQuery, text: str, arguments: PageArguments, listed: SelectQuery
) -> SearchOrder:
    """The order of what a search finds; further pages have that of the first.

    `listed` selects all todos among which the statement does.
    """
    cursor = arguments.after or arguments.before
    is_ranked = cursor is not None and not NEWEST_FIRST.owns(cursor)
    few_ids = None
    if is_ranked or (cursor is None and await _may_be_few(statement)):
        few_ids = await _few(statement)
    if few_ids is None and not is_ranked:
        return SearchOrder(statement, NEWEST_FIRST, statement)
    whole = statement if few_ids is None else _with_ids(listed, few_ids)
    ranked = whole.copy()
    return SearchOrder(ranked, best_first(ranked.bind, text), whole)


async def _may_be_few(statement: SelectQuery) -> bool:
    """Whether PostgreSQL estimates that few todos match.

    To read those of a common word takes longer than a page of the newest.
    """
    explain = f"EXPLAIN (FORMAT JSON) {statement.select(['1'])}"
    [plan] = await fetch(explain, *statement.values, custom_plan=True)
    return bool(orjson.loads(plan["QUERY PLAN"])[0]["Plan"]["Plan Rows"] <= MAX_ESTIMATED)


async def _few(statement: SelectQuery) -> list[UUID] | None:
    """The ids of the todos that match, if they are so few that they are ranked."""
    text = statement.select(["t.id"], limit=MAX_RANKED + 1)
    rows = await fetch(text, *statement.values, custom_plan=True)
    return [row["id"] for row in rows] if len(rows) <= MAX_RANKED else None


def _with_ids(listed: SelectQuery, ids: list[UUID]) -> SelectQuery:
    """Those of the listed todos that have these ids, so that no text is looked for twice."""
    # For an empty array PostgreSQL may scan the owner's part of any partial index.
    return listed.where(f"t.id = ANY({listed.bind(ids)})" if ids else "FALSE")


def best_first(bind: Bind, text: str) -> Keyset:
    """The order of a search's matches: by tier, title before description, open before done, newest.

    Similar words are sorted by their similarity before that. Binds values to the statement.
    """
    marked = marked_query(text)
    words = words_of(text, MAX_WORDS)
    whole, beginnings = bind(marked), [bind(word_beginning(word)) for word in words]
    all_match, all_in_title = all_words(TEXT, beginnings), all_words(TITLE, beginnings)
    query = bind(" ".join(words))
    rank = f"""(CASE
        WHEN strpos({TEXT}, {whole}) > 0 THEN 4 * (strpos({TITLE}, {whole}) = 0)::int
            + 2 * (NOT ({all_match}))::int
        WHEN {all_match} THEN 8 + 4 * (NOT ({all_in_title}))::int
        ELSE 16 + 8 * round(100 * (1 - word_similarity({query}, {TEXT})))::int
            + 4 * (word_similarity({query}, {TITLE}) < {MIN_SIMILARITY})::int
    END + {IS_DONE})"""
    return Keyset(
        SortKey("rank", rank, "rank", parse_number, extra=rank, bound="{}::bigint"),
        SortKey("created_at", "t.created_at", "created_at", parse_time, descending=True),
        SortKey("id", "t.id", "id", parse_uuid, descending=True),
        scope="best match first",
    )
