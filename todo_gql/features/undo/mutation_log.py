"""The changes that one mutation wrote to the log."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.changelog.cursors import LogPosition
from todo_gql.changelog.positions import position_of
from todo_gql.database.connection import Connection, Row, fetchrow
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.storage import TODO_BYTES
from todo_gql.security.authentication import Viewer

MAX_CHANGES: Final = 10_000
"""The most changes that are taken back at once."""

MAX_BYTES: Final = 32 * 1024 * 1024
"""The most that the diffs of these changes, or their todos, may take in memory."""

FIRST_BATCH: Final = 100
BATCH_SIZE: Final = 500

COLUMNS = "c.id, c.seq, c.first_seq, c.at, c.kind, c.action, c.actor_id, c.todo_id, c.entity_id, c.list_id, c.diff"
# The changes of one mutation stand next to each other. Those of the release before it don't have the number
# of the first one; the owner's lock sees to it that no other mutation has the same time.
IS_OF_MUTATION = """(c.first_seq = n.first_seq
    OR (n.first_seq IS NULL AND c.first_seq IS NULL AND c.at = n.at))"""
# The first changes of the mutation of change `$2`, or those from there on.
FIRST = f"""
SELECT {COLUMNS}, n.id AS named_id FROM changes n JOIN changes c ON c.owner_id = n.owner_id
    AND c.seq BETWEEN coalesce(n.first_seq, n.seq) AND coalesce(n.first_seq, n.seq) + {FIRST_BATCH - 1}
    AND {IS_OF_MUTATION}
WHERE n.owner_id = $1 AND n.seq = $2 ORDER BY c.seq
"""
# Numbers have no gaps, so a range of them has so many rows at most.
RANGE = f"""
SELECT {COLUMNS} FROM changes n JOIN changes c ON c.owner_id = n.owner_id
    AND c.seq BETWEEN $3 AND $4 AND {IS_OF_MUTATION}
WHERE n.owner_id = $1 AND n.seq = $2 ORDER BY c.seq
"""

SIZE = f"SELECT sum({TODO_BYTES}) FROM todos WHERE owner_id = $1 AND id = ANY($2::uuid[])"


# The change in another owner's log that a number of the viewer's feed stands for.
SOURCE: Final = """
SELECT s.source_owner_id, s.source_from + $2::bigint - s.seq_from AS seq FROM spans s
WHERE s.owner_id = $1 AND s.seq_to >= $2 AND s.seq_from <= $2 ORDER BY s.seq_to LIMIT 1
"""


class LoggedAt(NamedTuple):
    """A position in an owner's log."""

    owner_id: UUID
    position: LogPosition


class TooManyChanges(Exception):
    """The mutation made more changes than can be taken back at once, or longer ones."""


async def logged_at(viewer: Viewer, cursor: str) -> LoggedAt | None:
    """The log that has the change at a cursor of the viewer's feed; None if it is no cursor of that."""
    position = position_of(viewer.id, cursor)
    if position and viewer.is_member and (row := await fetchrow(SOURCE, viewer.id, position.seq)):
        return LoggedAt(row["source_owner_id"], position._replace(seq=row["seq"]))
    return LoggedAt(viewer.id, position) if position else None


async def read_mutation(
    connection: Connection, owner_id: UUID, position: LogPosition
) -> Sequence[Row] | None:
    """The changes of the mutation to which the change at a position belongs, oldest first.

    None unless there is such a change in the owner's log, and all of its mutation is there.
    Raises `TooManyChanges`.
    """
    seq = position.seq
    changes = await connection.fetch(FIRST, owner_id, seq)
    named = LogPosition.of(seq, changes[0]["named_id"]) if changes else None
    if named is None or position.id_suffix not in (None, named.id_suffix):
        return None
    first = changes[0]["first_seq"]
    if first not in (None, changes[0]["seq"]):
        return None
    if first is None:
        changes = [*await _read_backward(connection, owner_id, seq), *changes]
    if changes[-1]["seq"] >= (first or seq) + FIRST_BATCH - 1:
        changes += await _read_forward(connection, owner_id, seq, changes)
    _check_size(changes)
    return changes


async def _read_backward(connection: Connection, owner_id: UUID, seq: int) -> list[Row]:
    """The changes of a mutation before one of it, oldest first."""
    changes, start = list[Row](), seq
    while True:
        rows = await connection.fetch(RANGE, owner_id, seq, start - BATCH_SIZE, start - 1)
        changes = [*rows, *changes]
        _check_size(changes)
        if len(rows) < BATCH_SIZE:
            return changes
        start -= BATCH_SIZE


async def _read_forward(
    connection: Connection, owner_id: UUID, seq: int, read: Sequence[Row]
) -> list[Row]:
    """The changes of a mutation after those that are read."""
    changes, time_slice, start = list[Row](), TimeSlice(), read[-1]["seq"] + 1
    while True:
        rows = await connection.fetch(RANGE, owner_id, seq, start, start + BATCH_SIZE - 1)
        changes += rows
        _check_size([*read, *changes])
        if len(rows) < BATCH_SIZE:
            return changes
        start += BATCH_SIZE
        await time_slice.end()


def _check_size(changes: Sequence[Row]) -> None:
    is_long = sum(len(change["diff"]) for change in changes) > MAX_BYTES
    if is_long or len(changes) > MAX_CHANGES:
        raise TooManyChanges


async def check_todo_size(connection: Connection, owner_id: UUID, ids: Iterable[UUID]) -> None:
    """Raise `TooManyChanges` if todos are too long together to be held in memory."""
    if (await connection.fetchval(SIZE, owner_id, list(ids)) or 0) > MAX_BYTES:
        raise TooManyChanges
