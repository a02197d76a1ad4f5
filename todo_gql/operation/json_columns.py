"""Reading the long JSON of many rows in pieces, between which the event loop serves others."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from todo_gql.operation.time_slice import Pace

Rows = TypeVar("Rows", bound=Sequence[Any])

# So many characters are read within some milliseconds, whatever they are.
READ_AT_ONCE: Final = 256 * 1024


async def read_in_pieces(rows: Rows, column: str, read: Callable[[str], Any]) -> Rows | list[Any]:
    """The rows, with a column's texts read already where these are long together.

    Rows without the column, or with null in it, stay as they are.
    """
    if not rows or column not in rows[0]:
        return rows
    if sum([len(row[column] or "") for row in rows]) <= READ_AT_ONCE:
        return rows
    done, pace = list[Any](), Pace(is_long=True)
    for row in rows:
        await pace.breathe()
        text = row[column]
        done.append(row if text is None else {**row, column: read(text)})
    return done
