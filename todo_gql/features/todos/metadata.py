"""Validation of a todo's metadata: a JSON object that reads back as it was sent."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any

import orjson

from todo_gql.api.errors import ErrorCode, UserError, invalid
from todo_gql.api.json_depth import is_too_deep
from todo_gql.api.scalars import serialize_time
from todo_gql.features.todos.canonical_json import NO_METADATA, canonical_json
from todo_gql.features.todos.json_lengths import expanded_length, exponent_digits

MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 32
METADATA_TOO_LONG = (
    ErrorCode.TOO_LONG,
    f"metadata may have at most {MAX_METADATA_BYTES:,} bytes as JSON.",
)
INT64 = range(-(2**63), 2**63)
TYPES_WITH_LENGTH = frozenset({str, float, list, dict})
# In canonical JSON: what may be a number with an exponent or of more than 64 bits, a negative zero, or
# U+0000.
NEEDS_NORMALIZATION = re.compile(r"\de[+-]?\d|\d{19}|-0\.0|\\u0000")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def metadata(value: Any, problems: list[UserError], *path: str) -> str:
    """The canonical JSON of an object; its problems are added to `problems`."""
    if not isinstance(value, dict):
        problems.append(invalid(ErrorCode.INVALID, "metadata must be a JSON object.", *path))
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
        yield f"metadata may be nested at most {MAX_METADATA_DEPTH} deep."
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _json_problems(key, depth + 1)
            yield from _json_problems(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _json_problems(item, depth + 1)
    elif isinstance(value, str):
        if UNSTORABLE.search(value):
            yield "Text in metadata must not contain U+0000 or lone surrogates."
    elif isinstance(value, float) and not isfinite(value):
        yield "A number in metadata is too large."
    elif isinstance(value, int) and value not in INT64:
        yield "Whole numbers in metadata may have at most 64 bits."


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
