"""JSON files: read within limits, and values taken out of them whatever their types are."""

from typing import Any, Final, TypeAlias

import orjson

from todo_gql.importing.contents import read_bytes, utf8
from todo_gql.importing.records import UnreadableFile

JSONObject: TypeAlias = dict[str, Any]
# Values take fifty times as much memory as the shortest texts of them.
MAX_SEPARATORS: Final = 1_200_000
_SEPARATORS: Final = (b",", b"[", b"{")


def parse_json(content: bytes) -> Any:
    """The value of a JSON text in any encoding of Unicode; raises `UnreadableFile`."""
    text = utf8(content)
    if sum(text.count(sign) for sign in _SEPARATORS) > MAX_SEPARATORS:
        raise UnreadableFile("The file has too many values.")
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise UnreadableFile(f"The file isn't valid JSON: {error}.") from error


def read_json(file: Any) -> Any:
    """The value of a JSON file; raises `UnreadableFile`."""
    return parse_json(read_bytes(file))


def string(value: Any) -> str:
    """A text, or a number as text; empty for everything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def number(value: Any) -> int:
    """A whole number of at most 18 digits, from a number or a text; 0 for everything else."""
    if isinstance(value, str) and len(value) <= 18 and value.strip().lstrip("-").isdecimal():  # noqa: PLR2004 # the docstring says it
        try:
            return int(value)
        except ValueError:
            return 0
    if isinstance(value, (int, float)) and abs(value) < 10**18:
        return int(value)
    return 0


def json_object(value: Any) -> JSONObject:
    """An object; empty for everything else."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[JSONObject]:
    """The objects of a list; empty for everything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def strings(value: Any) -> list[str]:
    """The texts of a list, without empty ones; empty for everything else."""
    return [text for each in value if (text := string(each))] if isinstance(value, list) else []


def dumped(value: Any) -> str:
    """A value as a description has it: a text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return "(nested too deeply)"
