"""The range of an owner's change log, and whether a reader can continue from a position."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar
from uuid import UUID

from todo_gql.api.errors import BadUserInput, Unauthenticated, is_temporary
from todo_gql.changelog.access import ENDS, LOG_COLUMNS, NEWEST_CHANGE, change_at, log_of
from todo_gql.changelog.cursors import LogPosition, feed_keyset
from todo_gql.database.connection import Row, fetch, fetchrow

PAGE_SIZE = 100
RETRY_SECONDS = 0.5
Result = TypeVar("Result")
LOG = (
    f"SELECT f.seq AS newest, {NEWEST_CHANGE} AS newest_id,"
    " (SELECT min(c.seq) FROM changes c WHERE c.owner_id = u.id) AS oldest,"
    f" {change_at('$2')} AS stored_id FROM {ENDS} WHERE u.id = $1"
)


class ChangesLost(Exception):
    """The log doesn't continue from a position: later changes were deleted, or its own was undone."""


class Log(NamedTuple):
    """The range of an owner's log, and the position `stored` in it at a requested number."""

    owner_id: UUID
    oldest: int
    newest: LogPosition
    stored: LogPosition

    @property
    def end(self) -> str:
        """The cursor of the newest change."""
        return feed_keyset(self.owner_id).cursor_at(self.newest)

    def continues_from(self, position: LogPosition) -> bool:
        """Whether a position of the requested number is in the log, with all changes after it.

        Numbers alone are compared if the cursor or the log lacks the change's id: cursors and
        deletions of earlier versions have none.
        """
        is_in_range = self.oldest - 1 <= position.seq <= self.newest.seq
        return is_in_range and (
            position == self.stored or None in (position.id_suffix, self.stored.id_suffix)
        )


def position_of(owner_id: UUID, cursor: str) -> LogPosition | None:
    """The position in a cursor; None unless it is a cursor of the owner's log."""
    try:
        return feed_keyset(owner_id).position(cursor)
    except BadUserInput:
        return None


async def read_log(owner_id: UUID, position: LogPosition | None = None) -> Log:
    """The range of an owner's log, and what it has at the number of a position.

    `Unauthenticated` if the owner's account is deleted.
    """
    number = position.seq if position else 0
    row = await fetchrow(LOG, owner_id, number)
    if row is None:
        raise Unauthenticated
    newest = LogPosition.of(row["newest"], row["newest_id"])
    stored = LogPosition.of(number, row["stored_id"])
    return Log(owner_id, row["oldest"] or newest.seq + 1, newest, stored)


async def changes_after(owner_id: UUID, position: LogPosition, limit: int = PAGE_SIZE) -> list[Row]:
    """An owner's next changes of all kinds; `ChangesLost` if the log doesn't continue there."""
    statement = log_of(owner_id)
    statement.where(f"c.seq >= {statement.bind(position.seq)}")
    text = statement.select(LOG_COLUMNS, "c.seq", limit + 1)
    rows = await fetch(text, *statement.values)
    # The change at the position is read too, to check that it is still the same.
    if rows and rows[0]["seq"] == position.seq:
        if position.id_suffix not in (None, LogPosition.of(position.seq, rows[0]["id"]).id_suffix):
            raise ChangesLost
        return rows[1:]
    if rows and rows[0]["seq"] != position.seq + 1:
        raise ChangesLost
    try:
        log = await read_log(owner_id, position)
    except Unauthenticated:
        raise ChangesLost from None
    if not log.continues_from(position):
        raise ChangesLost
    return rows[:limit]


async def retry_until_available(read: Callable[[], Awaitable[Result]]) -> Result:
    """The result of a read, repeated every `RETRY_SECONDS` while the database is unavailable."""
    while True:
        try:
            return await read()
        except Exception as error:
            if not is_temporary(error):
                raise
            await asyncio.sleep(RETRY_SECONDS)
