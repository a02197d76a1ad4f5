"""Reading the long JSON of many rows in pieces, between which the event loop serves others."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from todo_gql.pace import Pace

# So many characters are read within some milliseconds, whatever they are.
READ_AT_ONCE: Final = 256 * 1024


async def read_in_pieces(
    rows: Sequence[Any], column: str, read: Callable[[str], Any], turn: asyncio.Lock
) -> Sequence[Any]:
    """The rows, with a column's texts read already where these are long together.

    Whoever shares `turn` reads one after the other, so that their pieces don't add up.
    """
    if sum(len(row[column]) for row in rows) <= READ_AT_ONCE:
        return rows
    done = list[Any]()
    async with turn:
        pace = Pace()
        for row in rows:
            await pace.breathe()
            done.append({**row, column: read(row[column])})
    return done
