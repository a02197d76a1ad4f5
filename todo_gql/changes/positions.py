"""Positions in an owner's change log: where it ends, and whether one can go on from there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar
from uuid import UUID

from todo_gql import access, db
from todo_gql.auth import Viewer
from todo_gql.changes.cursors import cursor_of, feed_keyset
from todo_gql.errors import BadUserInput, Unauthenticated, is_temporary

PAGE = 100
RETRY_SECONDS = 0.5
Read = TypeVar("Read")
LOG = (
    "SELECT u.change_seq AS newest,"
    " (SELECT min(c.seq) FROM changes c WHERE c.owner_id = u.id) AS oldest"
    " FROM users u WHERE u.id = $1"
)


class Log(NamedTuple):
    """What is kept of an owner's log, by the numbers of its changes."""

    owner_id: UUID
    oldest: int
    newest: int

    @property
    def end(self) -> str:
        """The cursor of the newest change."""
        return cursor_of(self.owner_id, self.newest)

    def position(self, cursor: str) -> int | None:
        """The number of the change at a cursor; None unless all that follow it are kept."""
        try:
            [seq] = feed_keyset(self.owner_id).values(cursor)
        except BadUserInput:
            return None
        assert isinstance(seq, int)
        return seq if self.oldest - 1 <= seq <= self.newest else None


async def log_of(viewer: Viewer) -> Log:
    """What is kept of the viewer's log; `Unauthenticated` if the account is gone."""
    row = await db.fetchrow(LOG, viewer.id)
    if row is None:
        raise Unauthenticated
    newest = row["newest"]
    return Log(viewer.id, row["oldest"] or newest + 1, newest)


async def changes_after(viewer: Viewer, seq: int, limit: int = PAGE) -> list[db.Row]:
    """The viewer's next changes after number `seq`."""
    statement = access.visible_changes(viewer)
    statement.where(f"c.seq > {statement.bind(seq)}")
    text = statement.select(access.CHANGE_COLUMNS, "c.seq", limit)
    return await db.fetch(text, *statement.values)


async def persistently(read: Callable[[], Awaitable[Read]]) -> Read:
    """What a read gives, however long the database is away."""
    while True:
        try:
            return await read()
        except Exception as error:
            if not is_temporary(error):
                raise
            await asyncio.sleep(RETRY_SECONDS)
