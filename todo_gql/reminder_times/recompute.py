"""Computing anew when reminders fire, in the transaction that changes what that follows from.

Absolute reminders fire at their moment, whatever changes. The rows are locked, so that none fires between
being read and being moved.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from todo_gql.api.durations import Duration
from todo_gql.database.connection import Connection, Row
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.reminder_times.moments import DATE_COLUMNS, TodoDates, next_firing

BATCH_SIZE: Final = 1_000
DATES: Final = ", ".join(f"t.{name}" for name in DATE_COLUMNS)
OF_TODOS = """
SELECT r.id, r.todo_id, r.anchor, r.relative_offset, r.fires_at, r.fired_at, u.time_zone
FROM reminders r JOIN users u ON u.id = r.person_id
WHERE r.owner_id = $1 AND r.todo_id = ANY($2) AND r.anchor IS NOT NULL
ORDER BY r.id FOR UPDATE OF r
"""
# What has come already stays due, whatever zone the person is in now.
OF_PERSON = f"""
SELECT r.id, r.owner_id, r.anchor, r.relative_offset, r.fires_at, r.fired_at, {DATES}
FROM reminders r JOIN todos t ON t.owner_id = r.owner_id AND t.id = r.todo_id
WHERE r.person_id = $1 AND r.anchor IS NOT NULL AND r.id > $2
    AND (r.fires_at > $3 OR r.fires_at IS NULL)
ORDER BY r.id LIMIT {BATCH_SIZE} FOR UPDATE OF r
"""
OF_OWNER = f"""
SELECT r.id, r.owner_id, r.anchor, r.relative_offset, r.fires_at, r.fired_at, u.time_zone, {DATES}
FROM reminders r JOIN todos t ON t.owner_id = r.owner_id AND t.id = r.todo_id
    JOIN users u ON u.id = r.person_id
WHERE r.owner_id = $1 AND r.anchor IS NOT NULL AND r.id > $2 AND r.fires_at > $3
ORDER BY r.id LIMIT {BATCH_SIZE} FOR UPDATE OF r
"""
MOVE = """
UPDATE reminders r SET fires_at = n.fires_at
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS n (owner_id, id, fires_at)
WHERE r.owner_id = ANY($1) AND r.owner_id = n.owner_id AND r.id = n.id
"""
LOWEST_ID = UUID(int=0)

Moves: TypeAlias = list[tuple[UUID, UUID, datetime | None]]
"""The owners and ids of reminders, and when they are to fire."""
Planned: TypeAlias = Callable[[Row], datetime | None]
"""When the reminder in a row is to fire."""


async def recompute_of_todos(
    connection: Connection, owner_id: UUID, dates: Mapping[UUID, TodoDates], now: datetime
) -> int:
    """Compute anew when the reminders of an owner's todos fire, from the todos' dates by id.

    Returns how many moved.
    """

    def planned(row: Row) -> datetime | None:
        moment = dates[row["todo_id"]].moment(*_definition(row), row["time_zone"])
        return next_firing(moment, now, pending=row["fires_at"], fired_at=row["fired_at"])

    rows = await connection.fetch(OF_TODOS, owner_id, list(dates))
    time_slice, moves = TimeSlice(), Moves()
    for row in rows:
        await time_slice.checkpoint()
        if (fires_at := planned(row)) != row["fires_at"]:
            moves.append((owner_id, row["id"], fires_at))
    await move_reminders(connection, moves)
    return len(moves)


async def recompute_of_person(
    connection: Connection, person_id: UUID, old_zone: str | None, zone: str | None, now: datetime
) -> None:
    """Compute anew when a person's reminders fire, who has moved to another zone.

    One that has fired for its day in the old zone doesn't fire for it again in the new one.
    """

    def planned(row: Row) -> datetime | None:
        dates, definition = TodoDates.of(row), _definition(row)
        fired_at = row["fired_at"]
        if fired_at and fired_at == dates.moment(*definition, old_zone):
            return None
        return next_firing(dates.moment(*definition, zone), now, fired_at=fired_at)

    await _recompute_all(connection, OF_PERSON, person_id, now, planned)


async def recompute_of_owner(connection: Connection, owner_id: UUID, now: datetime) -> int:
    """Compute anew when the reminders of an owner's todos fire that lie ahead; returns how many moved.

    For another version of the database of time zones, whose old one isn't there any more.
    """

    def planned(row: Row) -> datetime | None:
        moment = moment_of(row)
        # One that would have fired before now hasn't, and is late.
        return moment if moment != row["fired_at"] else None

    return await _recompute_all(connection, OF_OWNER, owner_id, now, planned)


def moment_of(row: Row) -> datetime | None:
    """The moment of a relative reminder, whose row has the dates of its todo and its person's `time_zone`."""
    return TodoDates.of(row).moment(*_definition(row), row["time_zone"])


def _definition(row: Row) -> tuple[int, Duration]:
    return row["anchor"], Duration.parse(row["relative_offset"])


async def _recompute_all(
    connection: Connection, statement: str, key: UUID, now: datetime, planned: Planned
) -> int:
    time_slice, last, moved = TimeSlice(), LOWEST_ID, 0
    while rows := await connection.fetch(statement, key, last, now):
        moves = Moves()
        for row in rows:
            await time_slice.checkpoint()
            if (fires_at := planned(row)) != row["fires_at"]:
                moves.append((row["owner_id"], row["id"], fires_at))
        await move_reminders(connection, moves)
        moved += len(moves)
        last = rows[-1]["id"]
    return moved


async def move_reminders(connection: Connection, moves: Sequence[tuple[object, ...]]) -> None:
    """Store when reminders fire: the owner, the id and the moment of each. They are locked."""
    if moves:
        await connection.execute(MOVE, *_columns(moves))


def _columns(rows: Iterable[tuple[object, ...]]) -> Iterable[tuple[object, ...]]:
    return zip(*rows, strict=True)
