"""Validators of values that clients send: each turns a valid value into what is stored.

A validator is called with the value, a list to which it adds what is wrong with the value, and the
value's path in the arguments.
"""

from typing import Any, Protocol
from uuid import UUID

from todo_gql.api.errors import ErrorCode, UserError, invalid, not_found
from todo_gql.api.node import parse_id
from todo_gql.api.text import read_text


class Validator(Protocol):
    """Returns the value to store; what it returns for an invalid value isn't stored."""

    def __call__(self, value: Any, problems: list[UserError], /, *path: str) -> Any: ...


def text(
    *, shortest: int = 0, longest: int, multiline: bool = False, as_typed: bool = False
) -> Validator:
    """A validator of texts as `read_text` normalizes them; lengths are in characters."""

    def validate(value: str, problems: list[UserError], *path: str) -> str:
        normalized, problem = read_text(
            value, shortest=shortest, longest=longest, multiline=multiline, as_typed=as_typed
        )
        if problem:
            problems.append(invalid(*problem, *path))
        return normalized

    return validate


def enum_number(value: Any, _problems: list[UserError], *_path: str) -> int:
    """The number of an enum's member."""
    return int(value.value)


def unchanged(value: Any, _problems: list[UserError], *_path: str) -> Any:
    """The value itself: its scalar checks all there is to check."""
    return value


def user_id(value: str, problems: list[UserError], *path: str) -> UUID | None:
    """The id of somebody, who is looked up where that is needed."""
    id = parse_id(value)
    if id is None:
        problems.append(not_found(*path))
    return id


def minutes(value: int, problems: list[UserError], *path: str) -> int:
    """A number of minutes, 0 or more."""
    if value < 0:
        problems.append(invalid(ErrorCode.OUT_OF_RANGE, "Minutes must be 0 or more.", *path))
    return value
