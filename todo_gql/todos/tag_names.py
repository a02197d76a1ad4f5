"""How a tag is named."""

import unicodedata
from collections.abc import Sequence

from todo_gql.errors import ErrorCode, UserError, invalid
from todo_gql.text import text_problem

MAX_TAGS = 10
MAX_LENGTH = 50
# How many names a list may have before it is read: some may name one tag, or none of a todo's.
MAX_NAMES = 100


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
    if len(names) > MAX_NAMES:
        message = f"A list has at most {MAX_NAMES} names, not {len(names)}."
        problems.append(invalid(ErrorCode.TOO_MANY, message, *path))
        return ()
    distinct = {
        read_tag_name(name, problems, *path, str(place)) for place, name in enumerate(names)
    }
    return tuple(sorted(distinct))


def read_tags(names: Sequence[str], problems: list[UserError], *path: str) -> tuple[str, ...]:
    """The names of the tags that a todo is to carry; problems as `read_tag_names`."""
    distinct = read_tag_names(names, problems, *path)
    if len(distinct) > MAX_TAGS:
        message = f"A todo carries at most {MAX_TAGS} tags, not {len(distinct)}."
        problems.append(invalid(ErrorCode.TOO_MANY, message, *path))
    return distinct
