"""Searching in titles and descriptions, as conditions on the table `todos t`."""

from collections.abc import Callable
from typing import Final

from todo_gql.api.search_text import expressions, marked_query

Bind = Callable[[object], str]
"""Binds a value to the statement, and returns its placeholder."""

# The release before leaves the search text of what it writes null, until a worker fills it in.
UNFILLED_TEXT: Final = r"lower(t.title || E'\x1f' || coalesce(t.description, ''))"


def contains(bind: Bind, text: str) -> str:
    """Whether the folded title or description contains a folded text that isn't empty."""
    marked = marked_query(text)
    if patterns := expressions(marked):
        parts = [f"t.search_text ~ {bind(pattern)}" for pattern in patterns]
    else:
        parts = [f"t.search_text LIKE {bind(like_pattern(marked))}"]
    unfilled = f"{UNFILLED_TEXT} LIKE lower({bind(like_pattern(text))})"
    return " OR ".join([*parts, f"t.search_text IS NULL AND {unfilled}"])


def like_pattern(text: str) -> str:
    """The pattern of LIKE for what contains a text."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
