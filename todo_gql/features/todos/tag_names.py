"""Normalization and validation of tag names."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.folding import canonical_name
from todo_gql.api.text import RAW, WHITE_SPACE, raw_problem, shows, text_problem
from todo_gql.event_loop.time_slice import TimeSlice

MAX_TAGS = 10
MAX_LENGTH = 50
# How many names a list of tags to carry may have before it is read: some may name one tag.
MAX_NAMES = 100


def normal_form(name: str) -> str:
    """The form of a name in which its tag is stored and returned."""
    # No tag has a name so long, and so it needs no folding.
    return name if len(name) > RAW * MAX_LENGTH else _folded(name)


# A request may use the same variable of names a hundred times.
@lru_cache(maxsize=1024)
def _folded(name: str) -> str:
    # Some characters stand for eighteen others.
    composed = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return composed if len(composed) > RAW * MAX_LENGTH else canonical_name(name)


def too_much_to_fold(names: Iterable[str]) -> bool:
    """Whether names together have more letters than a list of the longest names."""
    letters = sum(
        len(name) for name in set(names) if not name.isascii() and len(name) <= RAW * MAX_LENGTH
    )
    return letters > MAX_NAMES * MAX_LENGTH


def stored_forms(name: str) -> set[str]:
    """The names under which a tag may be stored that is called so.

    It may have been stored before names were folded as they are now, when they were in lower case.
    """
    if name.isascii() or len(name) > RAW * MAX_LENGTH:
        return {normal_form(name)}
    lower = unicodedata.normalize("NFKC", name).strip().lower()
    return {normal_form(name), unicodedata.normalize("NFKC", lower)}


def as_carried(names: Iterable[str], carried: Sequence[str]) -> tuple[str, ...]:
    """The names in order, each as the todo carries it that carries these.

    So a tag that was stored in another form stays what it is until its todo lets go of it.
    """
    if all(map(str.isascii, carried)):
        return tuple(sorted(names))
    by_form = {normal_form(name): name for name in carried}
    return tuple(sorted({by_form.get(name, name) for name in names}))


def read_tag_name(name: str, problems: list[UserError], *path: str) -> str:
    """The canonical form of one name; its problems are added to `problems`."""
    if name.isascii() and name.isprintable() and 1 <= len(plain := name.strip()) <= MAX_LENGTH:
        return plain.lower()
    problem = raw_problem(name, longest=MAX_LENGTH) if len(name) > RAW * MAX_LENGTH else None
    problem = problem or raw_problem(name.strip(WHITE_SPACE), longest=MAX_LENGTH)
    normal = "" if problem else normal_form(name)
    if not problem:
        normal = normal if shows(normal) else ""
        problem = text_problem(normal, shortest=1, longest=MAX_LENGTH)
    if problem:
        problems.append(invalid(*problem, *path))
    return normal


def read_tag_names(names: Sequence[str], problems: list[UserError], *path: str) -> tuple[str, ...]:
    """The names without duplicates, in alphabetical order; problems as `read_tag_name`."""
    if len(names) > MAX_NAMES:
        message = f"Pass at most {MAX_NAMES} names, not {len(names)}."
        problems.append(invalid(ErrorCode.TOO_MANY, message, *path))
        return ()
    if not all(map(str.isascii, names)) and too_much_to_fold(names):
        message = f"The names may have at most {MAX_NAMES * MAX_LENGTH:,} characters together."
        problems.append(invalid(ErrorCode.TOO_LONG, message, *path))
        return ()
    distinct = {
        read_tag_name(name, problems, *path, str(index)) for index, name in enumerate(names)
    }
    return tuple(sorted(distinct))


def read_tags(names: Sequence[str], problems: list[UserError], *path: str) -> tuple[str, ...]:
    """The names of the tags that a todo is to carry; problems as `read_tag_names`."""
    distinct = read_tag_names(names, problems, *path)
    if len(distinct) > MAX_TAGS:
        message = f"A todo may have at most {MAX_TAGS} tags, not {len(distinct)}."
        problems.append(invalid(ErrorCode.TOO_MANY, message, *path))
    return distinct


async def read_names_to_remove(
    names: Sequence[str], problems: list[UserError], *path: str
) -> frozenset[str]:
    """The names of tags to take from todos, however many; problems as `read_tag_name`."""
    time_slice, distinct = TimeSlice(), set[str]()
    for index, name in enumerate(names):
        await time_slice.checkpoint()
        distinct.add(read_tag_name(name, problems, *path, str(index)))
    return frozenset(distinct)
