"""The lines of an export: JSON objects that are named as the API names its values."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from todo_gql.api.scalars import serialize_time
from todo_gql.database.connection import Row
from todo_gql.features.transfers.exports.statements import JSON_COLUMNS
from todo_gql.observability.build_info import build

FORMAT: Final = "todo_gql"
VERSION: Final = 1
"""Raised when a line or key gets another meaning, and not for new ones."""

_EMPTY: Final = frozenset(("[]", "{}", "null"))
"""JSON texts that are left out, as null and empty texts are."""


def line(values: Mapping[str, Any]) -> bytes:
    """A JSON object on a line."""
    return orjson.dumps(values, default=str, option=orjson.OPT_APPEND_NEWLINE)


def header(content: str, exported_at: datetime) -> bytes:
    """The first line of a file."""
    return line(
        {
            "type": "header",
            "format": FORMAT,
            "version": VERSION,
            "content": content,
            "program": f"todo_gql {build().version}",
            "exportedAt": serialize_time(exported_at),
        }
    )


def footer(counts: Counter[str]) -> bytes:
    """The last line of a file, by which one that was cut off is recognised."""
    return line({"type": "end", "counts": counts})


def row_line(type_: str, row: Row, files: str | None = None) -> bytes:
    """The line of a row; with `files`, attachments have their paths below it."""
    values: dict[str, Any] = {"type": type_}
    for key, value in row.items():
        if value is None or value in ("", []) or (key in JSON_COLUMNS and value in _EMPTY):
            continue
        if key == "files" and files:
            values[key] = [{**one, "path": path_of(one, files)} for one in orjson.loads(value)]
        elif key in JSON_COLUMNS:
            values[key] = orjson.Fragment(value)
        else:
            values[key] = json_value(value)
    return line(values)


def json_value(value: Any) -> Any:
    """A value as the API writes it."""
    if isinstance(value, datetime):
        return serialize_time(value.astimezone(UTC))
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def change_line(row: Mapping[str, Any]) -> bytes:
    """The line of a change, redacted already."""
    values = {
        "type": "change",
        "number": row["seq"],
        "at": serialize_time(row["at"]),
        "actor": row["actor"],
        "kind": row["kind_name"],
        "action": row["action"],
        "todoId": row["todo_id"],
        "entityId": row["entity_id"],
        "listId": row["list_id"] if row["is_visible"] else None,
        "fields": row["diff"],
    }
    return line({key: value for key, value in values.items() if value is not None})


def path_of(file: Mapping[str, Any], folder: str) -> str:
    """Where an attachment is in the archive; its name can't lead out of the folder."""
    name = "".join(
        "_" if char in '/\\:*?"<>|' or ord(char) < ord(" ") else char for char in file["fileName"]
    )
    return f"{folder}/{file['id']}/{name.strip('. ') or 'file'}"
