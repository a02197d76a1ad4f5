"""The transaction of a write: its locks of feeds, its commit, and the announcement of what it changed."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from types import TracebackType
from typing import Final, Protocol, Self
from uuid import UUID

from todo_gql.changelog.feed_registry import announce
from todo_gql.changelog.recipients import Recipients
from todo_gql.database.connection import Connection
from todo_gql.database.retry import CONNECTION_LOST, OutcomeUnknown

NO_LISTS: Final = frozenset[UUID]()


class LockedWrite(Protocol):
    """What a transaction needs of a write to one owner's todos."""

    discarded: bool
    is_member: bool

    @property
    def now(self) -> datetime:
        """The time of the write."""

    @property
    def touched_lists(self) -> AbstractSet[UUID]:
        """The lists with members whose changes are to be written."""

    def set_seq(self, seq: int) -> None:
        """Note the number of the newest change in the owner's feed, which is locked."""


class WriteTransaction:
    """A transaction of the writes of one actor to the todos of one or several owners.

    At the end of the block it is committed, or rolled back on an error and if a write is discarded.
    """

    __slots__ = ("_is_locked", "actor_id", "connection", "recipients", "writes")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.recipients = Recipients(connection)
        self.writes: dict[UUID, LockedWrite] = {}
        self.actor_id: UUID | None = None
        self._is_locked = False

    async def lock_feeds(self) -> None:
        """Lock the feeds of all who get the changes, unless nobody but the owners' own writes numbers them."""
        lists = NO_LISTS.union(*(write.touched_lists for write in self.writes.values()))
        if self._is_locked and self.recipients.are_locked(lists):
            return
        if lists or any(write.is_member for write in self.writes.values()):
            seqs = await self.recipients.lock(list(self.writes), lists)
            if not self._is_locked:
                for owner_id, write in self.writes.items():
                    write.set_seq(seqs[owner_id])
            self._is_locked = True

    async def __aenter__(self) -> Self:
        # asyncpg's Transaction, which knows savepoints, too, costs half a statement more.
        await self.connection.execute("BEGIN")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            if any(write.discarded for write in self.writes.values()):
                await self.connection.execute("ROLLBACK")
            else:
                await self._commit()
        elif isinstance(error, Exception) and not isinstance(error, CONNECTION_LOST):
            await self.connection.execute("ROLLBACK")

    async def _commit(self) -> None:
        try:
            if self._is_locked:
                now = max(write.now for write in self.writes.values())
                await self.recipients.store(now, self.actor_id)
        except CONNECTION_LOST:
            raise
        except Exception:
            await self.connection.execute("ROLLBACK")
            raise
        try:
            await self.connection.execute("COMMIT")
        except CONNECTION_LOST as lost:
            raise OutcomeUnknown from lost
        finally:
            # Also when the outcome is unknown, since it may be stored.
            for owner_id in (*self.writes, *(self.recipients.announced - self.writes.keys())):
                announce(owner_id)
