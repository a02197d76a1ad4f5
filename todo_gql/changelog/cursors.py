"""Positions in an owner's change log, and their cursors.

A cursor holds the number of a change and the end of its id. The number alone could mean another
change after a backup was restored, or a standby without the last commits was promoted, and the log
has grown again.
"""

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from todo_gql.api.errors import BadUserInput
from todo_gql.api.keyset import Keyset, SortKey, parse_number, parse_text, parse_uuid
from todo_gql.database.connection import Values

# The random half of an id.
ID_SUFFIX_DIGITS = 16


class LogPosition(NamedTuple):
    """The number of a change, 0 before the first, and the end of its id if that is known."""

    seq: int
    id_suffix: str | None = None

    @classmethod
    def of(cls, seq: int, change_id: UUID | None) -> "LogPosition":
        """The position of a change whose id may be unknown."""
        return cls(seq, None if change_id is None else change_id.hex[-ID_SUFFIX_DIGITS:])


class FirstChange(NamedTuple):
    """The first change of a mutation in an owner's log: its number, and its id as text."""

    owner_id: UUID
    seq: int
    change_id: str

    @property
    def cursor(self) -> str:
        """Its cursor."""
        return cursor_of(self.owner_id, self.seq, UUID(self.change_id))


class LogKeyset(Keyset):
    """An owner's log ordered by number, with cursors that identify the change they stand after."""

    def cursor(self, row: Values) -> str:
        """The cursor of a change."""
        return self.cursor_at(LogPosition.of(row["seq"], row["id"]))

    def cursor_at(self, position: LogPosition) -> str:
        """The cursor of a position."""
        return self.cursor_of([value for value in position if value is not None])

    def values(self, cursor: str) -> list[object]:
        """The number in a cursor; `BadUserInput` unless it belongs to this log."""
        return [self.position(cursor).seq]

    def position(self, cursor: str) -> LogPosition:
        """The position in a cursor; without `id_suffix` for a cursor of an earlier version.

        `BadUserInput` unless it belongs to this log.
        """
        seq, *id_suffix = self.content(cursor) or [None]
        [parsed] = self.parsed([seq])
        assert isinstance(parsed, int)
        try:
            return LogPosition(parsed, *map(parse_text, id_suffix))
        except TypeError:
            raise BadUserInput(
                "This is not a cursor of this list. Pass one that this list returned."
            ) from None


@lru_cache(maxsize=1024)
def feed_keyset(owner_id: UUID) -> LogKeyset:
    """The owner's log, oldest first."""
    return LogKeyset(SortKey("seq", "c.seq", "seq", parse_number), scope=f"changes of {owner_id}")


def history_keyset(owner_id: UUID) -> LogKeyset:
    """The owner's log, newest first; its cursors are valid in the feed too."""
    key = SortKey("seq", "c.seq", "seq", parse_number, descending=True)
    return LogKeyset(key, scope=f"changes of {owner_id}")


@lru_cache(maxsize=1024)
def others_log_keyset(owner_id: UUID) -> Keyset:
    """The log of an owner, for others who see some of it; its cursors are valid in no feed.

    They name a change by its id: the number would say how much the owner has changed that others don't see.
    """
    return Keyset(SortKey("id", "c.id", "id", parse_uuid), scope=f"log of {owner_id}")


def cursor_of(owner_id: UUID, seq: int, change_id: UUID | None = None) -> str:
    """The cursor of the owner's change with number `seq` and this id."""
    return feed_keyset(owner_id).cursor_at(LogPosition.of(seq, change_id))
