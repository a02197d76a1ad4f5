"""The checks that turn what a client sends of a todo into an edit, all problems at once."""

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
from todo_gql.api.scalars import serialize_time
from todo_gql.api.text import read_text
from todo_gql.features.todos.inputs import TodoCreateInput, TodoUpdateInput
from todo_gql.features.todos.json_lengths import digits_in, length_of_number
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
OF_ANY_LENGTH = frozenset({str, float, list, dict})
# In canonical JSON, what may be a number with an exponent or of more than 64 bits, a zero with a sign,
# or U+0000.
UNUSUAL = re.compile(r"\de[+-]?\d|\d{19}|-0\.0|\\u0000")
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


def _member(value: Any, problems: Problems, *path: str) -> int:
    return int(value.value)


def _moment(value: datetime, problems: Problems, *path: str) -> datetime:
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
    if (text := _usual_json(value)) is not None:
        if len(text.encode()) > MAX_METADATA_BYTES:
            problems.append(invalid(*METADATA_TOO_LONG, *path))
        return text
    for fault in _json_faults(value, 1):
        problems.append(invalid(ErrorCode.INVALID, fault, *path))
        return NO_METADATA
    text = canonical_json(_as_read_back(value))
    if len(text.encode()) + digits_in(text) > MAX_METADATA_BYTES:
        problems.append(invalid(*METADATA_TOO_LONG, *path))
    return text


def _is_too_large(value: Any) -> bool:
    """Whether it has too many bytes whatever stands in it, found without reading much more of it.

    One variable may stand in it hundreds of times. A number counts without an exponent, as PostgreSQL
    writes it: of 1e300 that is 301 characters, which each read would have it send.
    """
    left, pending = MAX_METADATA_BYTES, [value]
    while pending and left >= 0:
        item = pending.pop()
        if isinstance(item, str):
            left -= len(item)
        elif isinstance(item, (list, dict)):
            # Each has one sign at least, and one that separates it from the next.
            left -= 2 * len(item)
            if left >= 0:
                values = item.values() if isinstance(item, dict) else item
                pending += [each for each in values if type(each) in OF_ANY_LENGTH]
                pending += item if isinstance(item, dict) else ()
        elif isinstance(item, float) and "e" in (text := repr(item)):
            left -= length_of_number(text)
    return left < 0


def _usual_json(value: Any) -> str | None:
    """The canonical text of a value, found quickly; None where anything in it has to be looked at.

    What is read from the text again is the value itself only if it is of JSON's own types.
    """
    try:
        text = canonical_json(value)
    except TypeError:
        return None
    if UNUSUAL.search(text) or not _is_shallow(value) or orjson.loads(text) != value:
        return None
    return text


def _is_shallow(value: Any) -> bool:
    """Whether anything could stand in what stands deepest in a value."""
    level = [value]
    for _ in range(MAX_METADATA_DEPTH - 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (list, dict))
        ]
        if not level:
            return True
    return False


def _json_faults(value: Any, depth: int) -> Iterator[str]:
    """What JSON allows and neither PostgreSQL nor other clients can be relied on to keep."""
    if depth > MAX_METADATA_DEPTH:
        yield f"metadata is nested at most {MAX_METADATA_DEPTH} deep."
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _json_faults(key, depth + 1)
            yield from _json_faults(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _json_faults(item, depth + 1)
    elif isinstance(value, str):
        if UNSTORABLE.search(value):
            yield "Text in metadata has no U+0000 and no lone surrogates."
    elif isinstance(value, float) and not isfinite(value):
        yield "A number in metadata is too large."
    elif isinstance(value, int) and value not in INT64:
        yield "Whole numbers in metadata have at most 64 bits."


def _as_read_back(value: Any) -> Any:
    """The value with its numbers as PostgreSQL writes them: no exponent, and a zero has no sign.

    Else a value that is sent again would differ from what is stored of it. What a variable of an
    enum or of DateTime gave to a literal is as the API writes it.
    """
    if isinstance(value, dict):
        return {key: _as_read_back(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_read_back(item) for item in value]
    if isinstance(value, float):
        value += 0.0
        return orjson.loads(f"{Decimal(text):f}") if "e" in (text := repr(value)) else value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return serialize_time(value)
    return value


# How each field is read, and what null makes of it; REFUSED for what can't be cleared.
REFUSED = object()
FIELDS: dict[str, tuple[str, Callable[..., Any], object]] = {
    "title": ("title", _title, REFUSED),
    "description": ("description", _description, None),
    "status": ("status", _member, REFUSED),
    "priority": ("priority", _member, REFUSED),
    "due_at": ("dueAt", _moment, None),
    "estimated_minutes": ("estimatedMinutes", _minutes, None),
    "actual_minutes": ("actualMinutes", _minutes, None),
    "tags": ("tags", _tags, ()),
    "metadata": ("metadata", _metadata, NO_METADATA),
}


def _edit(sent: dict[str, Any], path: tuple[str, ...]) -> tuple[TodoEdit, Problems]:
    problems: Problems = []
    edit: dict[str, Any] = {}
    for name, value in sent.items():
        graphql_name, read, cleared = FIELDS[name]
        if value is not None:
            edit[name] = read(value, problems, *path, graphql_name)
        elif cleared is REFUSED:
            message = f"{graphql_name} can't be cleared; leave it out to keep it."
            problems.append(invalid(ErrorCode.REQUIRED, message, *path, graphql_name))
        else:
            edit[name] = cleared
    return cast(TodoEdit, edit), problems


def read_create(sent: TodoCreateInput, *path: str) -> tuple[TodoEdit, Problems]:
    """The values of a new todo, and what is wrong with them; its id is not among them."""
    values = {
        name: value
        for name, value in vars(sent).items()
        if name in FIELDS and value is not UNSET and value is not None
    }
    return _edit(values, path)


def read_update(sent: TodoUpdateInput, *path: str) -> tuple[TodoEdit, Problems]:
    """The values that an update changes, and what is wrong with them."""
    values = {name: some.value for name in FIELDS if (some := getattr(sent, name)) is not None}
    return _edit(values, path)
