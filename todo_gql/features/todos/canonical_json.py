"""The text of JSON in which metadata is stored and compared."""

from typing import Final

import orjson

NO_METADATA: Final = "{}"


def canonical_json(value: object) -> str:
    """The canonical text of a JSON value: equal values have equal texts."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
