"""Validation of the inputs of todos: turns them into an edit, and lists all problems at once."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, cast

import orjson
from strawberry import UNSET

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.json_depth import is_too_deep
from todo_gql.api.scalars import serialize_time
from todo_gql.api.text import read_text
from todo_gql.features.todos.inputs import TodoCreateInput, TodoUpdateInput
from todo_gql.features.todos.json_lengths import expanded_length, exponent_digits
from todo_gql.features.todos.state import NO_METADATA, TodoEdit, canonical_json
from todo_gql.features.todos.tag_names import read_tags

MAX_TITLE = 200
MAX_DESCRIPTION = 5_000
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 32
METADATA_TOO_LONG = (
    ErrorCode.TOO_LONG,
    f"metadata has at most {MAX_METADATA_BYTES:,} bytes as JSON.",
)
INT64 = range(-(2**63), 2**63)
TYPES_WITH_LENGTH = frozenset({str, float, list, dict})
# In canonical JSON: what may be a number with an exponent or of more than 64 bits, a negative zero, or
# U+0000.
NEEDS_NORMALIZATION = re.compile(r"\de[+-]?\d|\d{19}|-0\.0|\\u0000")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

Problems = list[UserError]


def _title(value: str, problems: Problems, *path: str) -> str:
    title, problem = read_text(value, shortest=1, longest=MAX_TITLE)
    if problem:
        problems.append(invalid(*problem, *path))
    return title


def _description(value: str, problems: Problems, *path: str) -> str:
    text, problem = read_text(value, longest=MAX_DESCRIPTION, multiline=True, as_typed=True)
    if problem:
        problems.append(invalid(*problem, *path))
    return text


def _enum_number(value: Any, problems: Problems, *path: str) -> int:
    return int(value.value)


def _time(value: datetime, problems: Problems, *path: str) -> datetime:
    return value


def _minutes(value: int, problems: Problems, *path: str) -> int:
    if value < 0:
        problems.append(invalid(ErrorCode.OUT_OF_RANGE, "Minutes are 0 or more.", *path))
    return value


def _tags(value: list[str], problems: Problems, *path: str) -> tuple[str, ...]:
    return read_tags(value, problems, *path)


def _metadata(value: Any, problems: Problems, *path: str) -> str:
    if not isinstance(value, dict):
        problems.append(invalid(ErrorCode.INVALID, "metadata is a JSON object.", *path))
        return NO_METADATA
    if _is_too_large(value):
        problems.append(invalid(*METADATA_TOO_LONG, *path))
        return NO_METADATA
    if (text := _canonical_json_if_plain(value)) is not None:
        if len(text.encode()) > MAX_METADATA_BYTES:
            problems.append(invalid(*METADATA_TOO_LONG, *path))
        return text
    for message in _json_problems(value, 1):
        problems.append(invalid(ErrorCode.INVALID, message, *path))
        return NO_METADATA
    text = canonical_json(_normalize_numbers(value))
    if len(text.encode()) + exponent_digits(text) > MAX_METADATA_BYTES:
        problems.append(invalid(*METADATA_TOO_LONG, *path))
    return text


def _is_too_large(value: Any) -> bool:
    """Whether a value is certainly over `MAX_METADATA_BYTES`; reads hardly more of it than that.

    One variable may be used in it hundreds of times. A number counts without an exponent, as PostgreSQL
    writes it: 1e300 has 301 characters, which every read of the todo would send.
    """
    bytes_left, pending = MAX_METADATA_BYTES, [value]
    while pending and bytes_left >= 0:
        item = pending.pop()
        if isinstance(item, str):
            bytes_left -= len(item)
        elif isinstance(item, (list, dict)):
            # Each item has at least one character and a separator.
            bytes_left -= 2 * len(item)
            if bytes_left >= 0:
                values = item.values() if isinstance(item, dict) else item
                pending += [each for each in values if type(each) in TYPES_WITH_LENGTH]
                pending += item if isinstance(item, dict) else ()
        elif isinstance(item, float) and "e" in (text := repr(item)):
            bytes_left -= expanded_length(text)
    return bytes_left < 0


def _canonical_json_if_plain(value: Any) -> str | None:
    """The canonical text of a value; None if something in it may need normalization.

    Parsing the text gives an equal value only if all of it has JSON's own types.
    """
    try:
        text = canonical_json(value)
    except TypeError:
        return None
    is_deep = is_too_deep(text.encode(), MAX_METADATA_DEPTH - 1)
    if NEEDS_NORMALIZATION.search(text) or is_deep or orjson.loads(text) != value:
        return None
    return text


def _json_problems(value: Any, depth: int) -> Iterator[str]:
    """What JSON allows, but PostgreSQL or other clients may not preserve."""
    if depth > MAX_METADATA_DEPTH:
        yield f"metadata is nested at most {MAX_METADATA_DEPTH} deep."
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _json_problems(key, depth + 1)
            yield from _json_problems(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _json_problems(item, depth + 1)
    elif isinstance(value, str):
        if UNSTORABLE.search(value):
            yield "Text in metadata has no U+0000 and no lone surrogates."
    elif isinstance(value, float) and not isfinite(value):
        yield "A number in metadata is too large."
    elif isinstance(value, int) and value not in INT64:
        yield "Whole numbers in metadata have at most 64 bits."


def _normalize_numbers(value: Any) -> Any:
    """The value with numbers as PostgreSQL writes them: no exponent, no negative zero.

    Otherwise a value that is sent again would differ from the stored one. An enum or a DateTime, from
    a variable inside a literal, becomes the text that the API returns for it.
    """
    if isinstance(value, dict):
        return {key: _normalize_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normalize_numbers(item) for item in value]
    if isinstance(value, float):
        value += 0.0
        return orjson.loads(f"{Decimal(text):f}") if "e" in (text := repr(value)) else value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return serialize_time(value)
    return value


NOT_NULLABLE = object()
# For each field its name in the schema, its reader, and the value that null stands for.
FIELD_READERS: dict[str, tuple[str, Callable[..., Any], object]] = {
    "title": ("title", _title, NOT_NULLABLE),
    "description": ("description", _description, None),
    "status": ("status", _enum_number, NOT_NULLABLE),
    "priority": ("priority", _enum_number, NOT_NULLABLE),
    "due_at": ("dueAt", _time, None),
    "estimated_minutes": ("estimatedMinutes", _minutes, None),
    "actual_minutes": ("actualMinutes", _minutes, None),
    "tags": ("tags", _tags, ()),
    "metadata": ("metadata", _metadata, NO_METADATA),
}


def _edit(sent: dict[str, Any], path: tuple[str, ...]) -> tuple[TodoEdit, Problems]:
    problems: Problems = []
    edit: dict[str, Any] = {}
    for name, value in sent.items():
        graphql_name, read, value_for_null = FIELD_READERS[name]
        if value is not None:
            edit[name] = read(value, problems, *path, graphql_name)
        elif value_for_null is NOT_NULLABLE:
            message = f"{graphql_name} can't be cleared; leave it out to keep it."
            problems.append(invalid(ErrorCode.REQUIRED, message, *path, graphql_name))
        else:
            edit[name] = value_for_null
    return cast(TodoEdit, edit), problems


def read_create(sent: TodoCreateInput, *path: str) -> tuple[TodoEdit, Problems]:
    """The values of a new todo, without its id, and what is wrong with them."""
    values = {
        name: value
        for name, value in vars(sent).items()
        if name in FIELD_READERS and value is not UNSET and value is not None
    }
    return _edit(values, path)


def read_update(sent: TodoUpdateInput, *path: str) -> tuple[TodoEdit, Problems]:
    """The values that an update changes, and what is wrong with them."""
    values = {
        name: some.value for name in FIELD_READERS if (some := getattr(sent, name)) is not None
    }
    return _edit(values, path)
