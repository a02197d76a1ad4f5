"""The bodies of deliveries as JSON of less than 20 KB."""

from datetime import datetime
from typing import Any, Final

import orjson

from todo_gql.api.scalars import serialize_time

MAX_BODY_BYTES: Final = 20_000
MAX_SHORTENED_TEXT: Final = 1_000
"""Characters of a text in a shortened body, before the ellipsis."""

MAX_SHORTENED_JSON: Final = 2_000
"""Bytes of a list or an object in a shortened body; a longer one is null."""


def body_of(event_type: str, at: datetime, data: dict[str, Any]) -> str:
    """The body of an event that happened at a moment, shortened if it would be too long.

    Then `data` has `isShortened`: texts are cut, and lists and objects that are longer are null.
    """
    content = {"type": event_type, "timestamp": serialize_time(at), "data": data}
    body = orjson.dumps(content)
    if len(body) >= MAX_BODY_BYTES:
        body = orjson.dumps(content | {"data": _shortened_data(data)})
    return body.decode()


def _shortened_data(data: dict[str, Any]) -> dict[str, Any]:
    shortened: dict[str, Any] = {"isShortened": True}
    for name, value in data.items():
        if name == "fields":
            shortened[name] = [
                {part: _shortened(content) for part, content in entry.items()} for entry in value
            ]
        elif isinstance(value, dict):
            shortened[name] = {part: _shortened(content) for part, content in value.items()}
        else:
            shortened[name] = value
    return shortened


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        is_long = len(value) > MAX_SHORTENED_TEXT
        return f"{value[:MAX_SHORTENED_TEXT]}…" if is_long else value
    return value if len(orjson.dumps(value)) <= MAX_SHORTENED_JSON else None
