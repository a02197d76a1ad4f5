"""What is wrong with the list of ids or inputs of a mutation of many things."""

from collections.abc import Sequence
from typing import Final

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.node import ID_LENGTH

MAX_ITEMS: Final = 100


def size_problems(items: Sequence[object], argument: str) -> list[UserError]:
    """That a list of items is empty, or too long."""
    if not items:
        return [invalid(ErrorCode.TOO_SHORT, "Pass at least one item.", argument)]
    if len(items) > MAX_ITEMS:
        message = f"Pass at most {MAX_ITEMS} items, not {len(items)}."
        return [invalid(ErrorCode.TOO_MANY, message, argument)]
    return []


def duplicates(ids: Sequence[str | None], argument: str, *path: str) -> list[UserError]:
    """Each id that is in a list once more."""
    seen: set[str] = set()
    problems: list[UserError] = []
    for index, id in enumerate(ids[: MAX_ITEMS + 1]):
        # A longer text is no id, and gets an error of its own.
        if id is None or len(id) > ID_LENGTH:
            continue
        if id.lower() in seen:
            message = "This id is in the list more than once."
            problems.append(invalid(ErrorCode.INVALID, message, argument, str(index), *path))
        seen.add(id.lower())
    return problems
