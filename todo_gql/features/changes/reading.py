"""Reading pages of feeds that have spans: numbers in order, of which some are left out."""

from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.errors import BadUserInput
from todo_gql.changelog.cursors import LogPosition
from todo_gql.changelog.positions import (
    PAGE_SIZE,
    ChangesLost,
    Log,
    changes_after,
    position_of,
    read_log,
    skip_missing,
)
from todo_gql.database.connection import Row

RESYNC_REQUIRED: Final = "RESYNC_REQUIRED"


class Read(NamedTuple):
    """The selected changes of a part of a feed, the last change of that part, and whether more follow.

    Without any change, `last` is None.
    """

    rows: list[Row]
    last: Row | None
    has_more: bool


def resync_required() -> BadUserInput:
    """The error for a cursor from which the feed doesn't continue."""
    return BadUserInput(
        "The feed can't continue from this cursor. Load everything again, and continue from"
        " changeCursor.",
        reason=RESYNC_REQUIRED,
    )


def checked_position(owner_id: UUID, cursor: str) -> LogPosition:
    """The position in a cursor; `BadUserInput` unless it is a cursor of the owner's feed."""
    position = position_of(owner_id, cursor)
    if position is None:
        raise resync_required()
    return position


async def checked_log(owner_id: UUID, position: LogPosition | None) -> Log:
    """The range of a feed; `BadUserInput` if it doesn't continue from a position."""
    log = await read_log(owner_id, position)
    if position is not None and not log.continues_from(position):
        raise resync_required()
    return log


async def read_part(
    log: Log,
    position: LogPosition | None,
    selects: Callable[[Row], bool],
    size: int,
    most: int | None = None,
) -> Read:
    """The next changes that are selected, at most `size`, after a position or from the oldest stored one.

    Reads `most` changes or some more, if that is not None. `BadUserInput` if changes after the position aren't
    stored.
    """
    start = LogPosition(log.oldest - 1) if position is None else position
    rows, last, number = list[Row](), None, 0
    while most is None or number < most:
        try:
            read = await changes_after(log.owner_id, start, with_spans=True)
        except ChangesLost:
            if position is not None or last is not None:
                raise resync_required() from None
            # The feed begins after changes that its spans name and that aren't stored any more.
            start = await skip_missing(log.owner_id, start)
            if start.seq >= log.newest.seq:
                return Read([], None, has_more=False)
            continue
        for row in read:
            if selects(row):
                if len(rows) == size:
                    return Read(rows, last, has_more=True)
                rows.append(row)
            last = row
        number += len(read)
        if len(read) < PAGE_SIZE:
            return Read(rows, last, has_more=False)
        start = LogPosition.of(read[-1]["seq"], read[-1]["id"])
    return Read(rows, last, has_more=True)
