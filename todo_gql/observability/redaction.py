"""Exceptions as they may be logged and reported: without anything that a client sent."""

import re
import traceback
from collections.abc import Iterable, Iterator, Mapping

import asyncpg

from todo_gql.observability.request_record import current

REMOVED = "…"
MIN_SECRET_LENGTH = 3
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def _texts(values: Iterable[object]) -> Iterator[str]:
    """Every text within values, however deep."""
    waiting = list(values)
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case Mapping() as mapping:
                waiting.extend(mapping.values())
            case [*items]:
                waiting.extend(items)


def without_secrets(text: str) -> str:
    """A text without quoted parts, and without the values that the current request's client sent."""
    text = _QUOTED.sub(f"'{REMOVED}'", text)
    if record := current.get():
        # The longest first, since one may be a part of another.
        for secret in sorted(_texts(record.sensitive_values), key=len, reverse=True):
            if len(secret) >= MIN_SECRET_LENGTH:
                text = text.replace(secret, REMOVED)
    return text


def message(error: BaseException) -> str:
    """What an exception says.

    PostgreSQL's errors tell whole rows in their details, so of these only the names remain.
    """
    if isinstance(error, asyncpg.PostgresError):
        facts = {
            "sqlstate": error.sqlstate,
            "table": error.table_name,
            "column": error.column_name,
            "constraint": error.constraint_name,
        }
        return " ".join(f"{name}={fact}" for name, fact in facts.items() if fact)
    if isinstance(error.__cause__, asyncpg.PostgresError):
        return message(error.__cause__)
    return without_secrets(str(error))


def chain(error: BaseException) -> list[BaseException]:
    """The exception and what led to it, the first cause first."""
    links: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in links:
        links.insert(0, following)
        shown = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or shown
    return links


def trace(error: BaseException) -> str:
    """The traceback of an exception and of its causes, as Python writes it."""
    parts = []
    for link in chain(error):
        name = type(link).__qualname__
        text = message(link)
        stack = "".join(traceback.format_tb(link.__traceback__))
        header = "Traceback (most recent call last):\n" if stack else ""
        parts.append(f"{header}{stack}{name}{f': {text}' if text else ''}")
    return "\n\nwhich led to\n\n".join(parts)
