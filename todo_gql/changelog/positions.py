"""The range of an owner's feed, and whether a reader can continue from a position."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar
from uuid import UUID

from todo_gql.api.errors import BadUserInput, Unauthenticated, is_temporary
from todo_gql.changelog.access import ENDS, LOG_COLUMNS, NEWEST_CHANGE, change_at, log_of
from todo_gql.changelog.cursors import LogPosition, feed_keyset
from todo_gql.changelog.spans import is_dense, stored_changes
from todo_gql.database.connection import Row, fetch, fetchrow

PAGE_SIZE = 100
RETRY_SECONDS = 0.5
Result = TypeVar("Result")
OLDEST_IN_SPANS = "SELECT s.seq_from FROM spans s WHERE s.owner_id = u.id ORDER BY s.seq_to LIMIT 1"
LOG = (
    f"SELECT f.seq AS newest, f.has_spans, {NEWEST_CHANGE} AS newest_id,"
    " least((SELECT min(c.seq) FROM changes c WHERE c.owner_id = u.id),"
    f" CASE WHEN f.has_spans THEN ({OLDEST_IN_SPANS}) END) AS oldest,"
    f" {change_at('$2')} AS stored_id FROM {ENDS} WHERE u.id = $1"
)


class ChangesLost(Exception):
    """The log doesn't continue from a position: later changes were deleted, or its own was undone."""


class Log(NamedTuple):
    """The range of an owner's feed, and the position `stored` in it at a requested number.

    With `has_spans`, some of its numbers are changes in other owners' logs.
    """

    owner_id: UUID
    oldest: int
    newest: LogPosition
    stored: LogPosition
    has_spans: bool

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
    return Log(owner_id, row["oldest"] or newest.seq + 1, newest, stored, row["has_spans"])


async def changes_after(
    owner_id: UUID, position: LogPosition, limit: int = PAGE_SIZE, *, with_spans: bool = False
) -> list[Row]:
    """An owner's next changes of all kinds; `ChangesLost` if the feed doesn't continue there.

    Without `with_spans` the own log is read first, and the spans of a feed that has any. Of one that got its
    first span meanwhile, changes after the last own one may be left for the next call.
    """
    if with_spans:
        return await _spanned_after(owner_id, position, limit)
    statement = log_of(owner_id)
    statement.where(f"c.seq >= {statement.bind(position.seq)}")
    text = statement.select(LOG_COLUMNS, "c.seq", limit + 1)
    rows = await fetch(text, *statement.values)
    # The change at the position is read too, to check that it is still the same.
    if len(rows) > 1 and rows[0]["seq"] == position.seq and is_dense(rows):
        _check_same(rows[0], position)
        return rows[1:]
    log = await _existing_log(owner_id, position)
    if log.has_spans:
        return await _spanned_after(owner_id, position, limit)
    if not log.continues_from(position):
        raise ChangesLost
    rows = [row for row in rows if row["seq"] > position.seq]
    if rows and rows[0]["seq"] != position.seq + 1:
        raise ChangesLost
    return rows[:limit]


async def _spanned_after(owner_id: UUID, position: LogPosition, limit: int) -> list[Row]:
    """The next changes of a feed with spans; `ChangesLost` if some of them are not stored."""
    last = position.seq + limit
    stored = await stored_changes(owner_id, position.seq, last)
    if stored is None:
        raise ChangesLost
    rows, newest = stored
    if rows and rows[0]["seq"] == position.seq:
        _check_same(rows[0], position)
    elif position.id_suffix and not (await _existing_log(owner_id, position)).continues_from(
        position
    ):
        raise ChangesLost
    rows = [row for row in rows if row["seq"] > position.seq]
    if len(rows) != min(newest, last) - position.seq:
        raise ChangesLost
    return rows


async def skip_missing(owner_id: UUID, position: LogPosition) -> LogPosition:
    """A later position of a feed that has changes missing soon after this one, perhaps behind all of them."""
    last = position.seq + PAGE_SIZE
    stored = await stored_changes(owner_id, position.seq + 1, last)
    if stored is None or not stored.rows:
        return LogPosition(last)
    seqs = {row["seq"] for row in stored.rows}
    first = max(seqs)
    if first < min(last, stored.newest):
        return LogPosition(last)
    while first - 1 in seqs:
        first -= 1
    return LogPosition(first - 1)


def _check_same(row: Row, position: LogPosition) -> None:
    """`ChangesLost` unless the change at a position is the one that the position names."""
    if position.id_suffix not in (None, LogPosition.of(position.seq, row["id"]).id_suffix):
        raise ChangesLost


async def _existing_log(owner_id: UUID, position: LogPosition) -> Log:
    """The range of an owner's feed; `ChangesLost` if the account is deleted."""
    try:
        return await read_log(owner_id, position)
    except Unauthenticated:
        raise ChangesLost from None


async def retry_until_available(read: Callable[[], Awaitable[Result]]) -> Result:
    """The result of a read, repeated every `RETRY_SECONDS` while the database is unavailable."""
    while True:
        try:
            return await read()
        except Exception as error:
            if not is_temporary(error):
                raise
            await asyncio.sleep(RETRY_SECONDS)
