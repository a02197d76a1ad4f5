"""Positions in an owner's change log: where it ends, and whether one can go on from there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar
from uuid import UUID

from todo_gql.api.errors import BadUserInput, Unauthenticated, is_temporary
from todo_gql.changelog.cursors import Place, feed_keyset
from todo_gql.database.connection import Row, fetch, fetchrow
from todo_gql.security import access
from todo_gql.security.authentication import Viewer

PAGE = 100
RETRY_SECONDS = 0.5
Read = TypeVar("Read")
LOG = (
    f"SELECT u.change_seq AS newest, {access.NEWEST_CHANGE} AS newest_id,"
    " (SELECT min(c.seq) FROM changes c WHERE c.owner_id = u.id) AS oldest,"
    f" {access.change_at('$2')} AS id_there FROM users u WHERE u.id = $1"
)


class ChangesLost(Exception):
    """The log doesn't go on from a place: what follows isn't kept, or the change was undone."""


class Log(NamedTuple):
    """What is kept of an owner's log, and what is in it at the number that was asked about."""

    owner_id: UUID
    oldest: int
    newest: Place
    there: Place

    @property
    def end(self) -> str:
        """The cursor of the newest change."""
        return feed_keyset(self.owner_id).cursor_at(self.newest)

    def goes_on_from(self, place: Place) -> bool:
        """Whether a place, whose number was asked about, has its change, and all after it are kept.

        Of a change that is told by its number alone, or was forgotten by an earlier version, no
        more is known than the number.
        """
        is_kept = self.oldest - 1 <= place.seq <= self.newest.seq
        return is_kept and (place == self.there or None in (place.mark, self.there.mark))


def place_of(viewer: Viewer, cursor: str) -> Place | None:
    """The place that a cursor tells; None unless it is one of the viewer's log."""
    try:
        return feed_keyset(viewer.id).place(cursor)
    except BadUserInput:
        return None


async def log_of(viewer: Viewer, place: Place | None = None) -> Log:
    """What is kept of the viewer's log, and what is at a place's number.

    `Unauthenticated` if the account is gone.
    """
    asked = place.seq if place else 0
    row = await fetchrow(LOG, viewer.id, asked)
    if row is None:
        raise Unauthenticated
    newest = Place.of(row["newest"], row["newest_id"])
    there = Place.of(asked, row["id_there"])
    return Log(viewer.id, row["oldest"] or newest.seq + 1, newest, there)


async def changes_after(viewer: Viewer, place: Place, limit: int = PAGE) -> list[Row]:
    """The viewer's next changes after a place; `ChangesLost` unless the log goes on from there."""
    statement = access.visible_changes(viewer)
    statement.where(f"c.seq >= {statement.bind(place.seq)}")
    text = statement.select(access.CHANGE_COLUMNS, "c.seq", limit + 1)
    rows = await fetch(text, *statement.values)
    # The change at the place is read along, since only that tells that it is still the same.
    if rows and rows[0]["seq"] == place.seq:
        if place.mark not in (None, Place.of(place.seq, rows[0]["id"]).mark):
            raise ChangesLost
        return rows[1:]
    if rows and rows[0]["seq"] != place.seq + 1:
        raise ChangesLost
    try:
        log = await log_of(viewer, place)
    except Unauthenticated:
        raise ChangesLost from None
    if not log.goes_on_from(place):
        raise ChangesLost
    return rows[:limit]


async def persistently(read: Callable[[], Awaitable[Read]]) -> Read:
    """What a read gives, however long the database is away."""
    while True:
        try:
            return await read()
        except Exception as error:
            if not is_temporary(error):
                raise
            await asyncio.sleep(RETRY_SECONDS)
