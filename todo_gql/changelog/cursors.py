"""Places in an owner's change log, and the pages that begin there.

A cursor tells the number of a change and a mark of which change that is. The number alone would
mean another change once a backup was restored, or a standby promoted that lacked the last commits,
and the log has grown again.
"""

from functools import lru_cache, partial
from typing import NamedTuple
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments
from todo_gql.api.errors import BadUserInput
from todo_gql.api.keyset import Keyset, SortKey, parse_number, parse_text
from todo_gql.database.connection import Values
from todo_gql.operation.loaders import HistoryKey, Loaders

NEWEST = 2**63 - 1
# The random half of an id.
MARK_DIGITS = 16


class Place(NamedTuple):
    """A change's number, 0 for none yet, and its mark; None where that isn't known."""

    seq: int
    mark: str | None = None

    @classmethod
    def of(cls, seq: int, change_id: UUID | None) -> "Place":
        """The place of a change; without its id, if that isn't known."""
        return cls(seq, None if change_id is None else change_id.hex[-MARK_DIGITS:])


class LogKeyset(Keyset):
    """An owner's log by number, with cursors that tell which change they stand after."""

    def cursor(self, row: Values) -> str:
        """The opaque place of a change."""
        return self.cursor_at(Place.of(row["seq"], row["id"]))

    def cursor_at(self, place: Place) -> str:
        """The opaque form of a place."""
        return self.cursor_of([value for value in place if value is not None])

    def values(self, cursor: str) -> list[object]:
        """The number in a cursor; `BadUserInput` unless it belongs to this log."""
        return [self.place(cursor).seq]

    def place(self, cursor: str) -> Place:
        """The place in a cursor, which has no mark if it is of an earlier version's.

        `BadUserInput` unless it belongs to this log.
        """
        seq, *mark = self.content(cursor) or [None]
        [parsed] = self.parsed([seq])
        assert isinstance(parsed, int)
        try:
            return Place(parsed, *map(parse_text, mark))
        except TypeError:
            raise BadUserInput("This is not a cursor of this list.") from None


@lru_cache(maxsize=1024)
def feed_keyset(owner_id: UUID) -> LogKeyset:
    """The owner's log, oldest first."""
    return LogKeyset(SortKey("seq", "c.seq", "seq", parse_number), scope=f"changes of {owner_id}")


def history_keyset(owner_id: UUID) -> LogKeyset:
    """The owner's log, newest first; its cursors are those of the feed."""
    key = SortKey("seq", "c.seq", "seq", parse_number, descending=True)
    return LogKeyset(key, scope=f"changes of {owner_id}")


def cursor_of(owner_id: UUID, seq: int, change_id: UUID | None = None) -> str:
    """The cursor of the owner's change number `seq`, which has this id."""
    return feed_keyset(owner_id).cursor_at(Place.of(seq, change_id))


async def history_page(
    loaders: Loaders, todo_id: UUID, keyset: Keyset, arguments: PageArguments
) -> Page:
    """A page of one todo's changes, fetched together with those of its siblings."""
    size = arguments.size(50)
    after = keyset.values(arguments.after)[0] if arguments.after is not None else NEWEST
    assert isinstance(after, int)
    key = HistoryKey(todo_id, size + 1, after)
    rows = await loaders.history_by_todo_id.load(key)
    newer = partial(loaders.newer_history_by_todo_id.load, key)
    return Page(rows[:size], keyset, newer if arguments.after else False, len(rows) > size)
