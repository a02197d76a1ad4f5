"""How a tag is named."""

import unicodedata
from collections.abc import Sequence

from todo_gql.errors import ErrorCode, UserError, invalid
from todo_gql.text import text_problem

MAX_TAGS = 10
MAX_LENGTH = 50


def normal_form(name: str) -> str:
    """The name under which a tag is stored: trimmed, NFKC and in lower case."""
    if name.isascii():
        return name.strip().lower()
    folded = unicodedata.normalize("NFKC", name).strip().lower()
    return unicodedata.normalize("NFKC", folded)


def read_tag_name(name: str, problems: list[UserError], *path: str) -> str:
    """The normal form of one name, with what is wrong with it added to `problems`."""
    normal = normal_form(name)
    if problem := text_problem(normal, shortest=1, longest=MAX_LENGTH):
        problems.append(invalid(*problem, *path))
    return normal


def read_tag_names(names: Sequence[str], problems: list[UserError], *path: str) -> tuple[str, ...]:
    """The names without duplicates, in alphabetical order; problems as `read_tag_name`."""
    distinct = {
        read_tag_name(name, problems, *path, str(place)) for place, name in enumerate(names)
    }
    if len(distinct) > MAX_TAGS:
        problems.append(
            invalid(
                ErrorCode.TOO_MANY,
                f"A todo carries at most {MAX_TAGS} tags, not {len(distinct)}.",
                *path,
            )
        )
    return tuple(sorted(distinct))
