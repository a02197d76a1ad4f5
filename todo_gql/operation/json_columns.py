"""Parsing the JSON columns of many rows without blocking the event loop."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from todo_gql.event_loop.time_slice import TimeSlice

Rows = TypeVar("Rows", bound=Sequence[Any])

# Parsing as many characters takes a millisecond at most, whatever they contain: the times of several
# requests whose rows come in the same turn of the event loop add up.
MAX_UNINTERRUPTED: Final = 64 * 1024


async def parse_json_column(
    rows: Rows, column: str, parse: Callable[[str], Any]
) -> Rows | list[Any]:
    """Parse a column of the rows in time slices, if its texts are long together.

    Otherwise the rows are returned as they are, and their texts are parsed where they are used. So
    are rows without the column or with null in it.
    """
    if not rows or column not in rows[0]:
        return rows
    if sum([len(row[column] or "") for row in rows]) <= MAX_UNINTERRUPTED:
        return rows
    parsed, time_slice = list[Any](), TimeSlice(is_long=True)
    for row in rows:
        await time_slice.checkpoint()
        text = row[column]
        parsed.append(row if text is None else {**row, column: parse(text)})
    return parsed
