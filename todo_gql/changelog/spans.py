"""Feeds with spans: their own changes and those of others' lists, under one numbering without gaps."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.changelog.access import IS_OF_TODO, LOG_COLUMNS
from todo_gql.database.connection import Row, Values, fetch, fetchrow
from todo_gql.database.models import ChangeKind, EntityAction

_OF_FEED: Final = {
    "c.owner_id": "$1::uuid AS owner_id",
    "c.seq": "c.seq + s.seq_from - s.source_from",
}
_SOURCE: Final = ("c.entity_id", "c.owner_id AS source_owner_id", "c.seq AS source_seq")
_OWN_COLUMNS: Final = ", ".join((*LOG_COLUMNS, *_SOURCE))
_SPAN_COLUMNS: Final = ", ".join((*(_OF_FEED.get(name, name) for name in LOG_COLUMNS), *_SOURCE))

# Numbers have no gaps, so there are at most as many as `$3 - $2 + 1`, in as many spans. LATERAL with a
# LIMIT has PostgreSQL look up each span's changes; as a join it would read whole logs.
CHANGES: Final = f"""
SELECT c.*, f.seq AS newest FROM feeds f LEFT JOIN LATERAL (
    SELECT {_OWN_COLUMNS} FROM changes c WHERE c.owner_id = $1 AND c.seq BETWEEN $2 AND $3
    UNION ALL
    SELECT {_SPAN_COLUMNS} FROM (
        SELECT * FROM spans WHERE owner_id = $1 AND seq_to >= $2 ORDER BY seq_to LIMIT $3 - $2 + 1
    ) s CROSS JOIN LATERAL (
        SELECT * FROM changes WHERE owner_id = s.source_owner_id
            AND seq BETWEEN s.source_from + greatest($2 - s.seq_from, 0)
            AND s.source_from + least($3, s.seq_to) - s.seq_from
        ORDER BY seq LIMIT $3 - $2 + 1
    ) c WHERE s.seq_from <= $3
) c ON true WHERE f.owner_id = $1 ORDER BY c.seq
"""
"""The changes of feed `$1` from number `$2` to `$3`, as far as they are stored.

`owner_id` and `seq` are those of the feed, `source_owner_id` and `source_seq` those of the log, and `newest`
is the feed's last number; without changes there is a row that has nothing else.
"""


HAS_TODO_BEFORE: Final = f"""
SELECT EXISTS (SELECT FROM changes c WHERE c.owner_id = $1 AND {IS_OF_TODO} AND c.seq <= $2)
    OR EXISTS (SELECT FROM spans s JOIN changes c ON c.owner_id = s.source_owner_id
        AND c.seq BETWEEN s.source_from AND s.source_from + least($2, s.seq_to) - s.seq_from
        WHERE s.owner_id = $1 AND s.seq_from <= $2 AND {IS_OF_TODO}) AS found
"""


class StoredChanges(NamedTuple):
    """Changes of a feed that are stored, in order, and the last number of the feed at that moment."""

    rows: list[Row]
    newest: int


async def stored_changes(owner_id: UUID, first: int, last: int) -> StoredChanges | None:
    """A feed's changes of all kinds in a range of numbers; None if the account is deleted."""
    rows = await fetch(CHANGES, owner_id, first, last)
    if not rows:
        return None
    newest = rows[0]["newest"]
    return StoredChanges([] if rows[0]["seq"] is None else rows, newest)


async def has_todo_before(owner_id: UUID, seq: int) -> bool:
    """Whether a feed has a stored change of a todo at a number or before it."""
    row = await fetchrow(HAS_TODO_BEFORE, owner_id, seq)
    return bool(row and row["found"])


def has_source(rows: Sequence[Row]) -> bool:
    """Whether changes were read from a feed with spans: their rows say from which log they are."""
    return bool(rows) and "source_owner_id" in rows[0].keys()  # noqa: SIM118 - a record isn't a mapping


def is_foreign(row: Values) -> bool:
    """Whether a change of a feed with spans is of another owner's log."""
    return bool(row["source_owner_id"] != row["owner_id"])


def is_joining(row: Values) -> bool:
    """Whether a change of a feed with spans says that its owner has joined a list."""
    return (row["kind"], row["action"], row["entity_id"]) == (
        ChangeKind.MEMBER,
        EntityAction.JOINED,
        row["owner_id"],
    )


def is_dense(rows: Sequence[Values]) -> bool:
    """Whether the numbers of some changes in order have no gaps."""
    return not rows or rows[-1]["seq"] - rows[0]["seq"] == len(rows) - 1
