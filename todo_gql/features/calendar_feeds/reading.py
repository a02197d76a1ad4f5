"""Reading what a calendar feed shows, as its owner sees it now."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from todo_gql.api.time_zones import LocalClock
from todo_gql.database.connection import Row, fetch
from todo_gql.database.select import SelectQuery
from todo_gql.features.calendar_feeds.entries import (
    MAX_ENTRIES,
    Entries,
    Window,
    hour_of,
    nearest_entries,
)
from todo_gql.features.stats.overdue import OPEN
from todo_gql.features.todos.access import only_of_lists, todo_ranges, todos_of
from todo_gql.features.todos.list_access import LIST_OR_INBOX
from todo_gql.security.authentication import Viewer
from todo_gql.security.memberships import Membership

MAX_DESCRIPTION: Final = 500
"""The characters of a description that calendars show; what is longer ends with an ellipsis."""

COLUMNS: Final = (
    "t.id", "t.title", "t.status", "t.priority", "t.due_on", "t.due_at", "t.due_date", "t.start_at",
    "t.start_date", "t.estimated_minutes", "t.completed_at", "t.created_at", "t.updated_at", "t.version",
    "t.subtask_count", "t.completed_subtask_count", "t.recurrence",
    f"left(t.description, {MAX_DESCRIPTION + 1}) AS description",
)  # fmt: skip
MINUTE: Final = timedelta(minutes=1)
NOTE_READ: Final = """
UPDATE calendar_feeds SET last_read_at = date_trunc('minute', $3::timestamptz)
WHERE owner_id = $1 AND id = $2
"""


@dataclass(frozen=True)
class OpenFeed:
    """A feed that was opened by its secret, at a moment."""

    id: UUID
    owner_id: UUID
    label: str | None
    list_ids: list[UUID] | None
    as_events: bool
    seq: int
    clock: LocalClock
    viewer: Viewer

    @classmethod
    def from_row(cls, row: Row, now: datetime) -> "OpenFeed":
        """That of a row of `feed_of_secret`."""
        membership = Membership(is_member=row["is_member"])
        return cls(
            id=row["id"],
            owner_id=row["owner_id"],
            label=row["label"],
            list_ids=list_ids_of(row["list_ids"]),
            as_events=row["as_events"],
            seq=row["seq"],
            clock=LocalClock(hour_of(now), row["time_zone"]),
            # Of nobody's session: whoever has the address sees what its owner does.
            viewer=Viewer(row["owner_id"], row["id"], row["username"], False, membership),  # noqa: FBT003 - as the fields come
        )

    async def entries(self) -> Entries:
        """Its entries, read by one statement."""
        window = Window(self.clock)
        text, values = self._statement(window)
        return await nearest_entries(await fetch(text, *values, custom_plan=True), window)

    def _statement(self, window: Window) -> tuple[str, list[Any]]:
        """What is due from today on, what was before, and what repeats and was due before the window.

        Of each the nearest `MAX_ENTRIES`, and one more that tells whether there are others.
        """
        todos = self._todos().where("t.deleted_at IS NULL")
        limit, today = MAX_ENTRIES + 1, window.clock.today

        def bound(day: date) -> str:
            return f"{todos.bind(day)}::date"

        now, first, last = bound(today), bound(window.first), bound(window.last)
        coming = todos.beside().where(f"t.due_on >= {now} AND t.due_on <= {last}")
        past = todos.beside().where(f"t.due_on < {now} AND t.due_on >= {first}")
        repeating = todos.beside().where(
            f"t.due_on < {first} AND t.recurrence IS NOT NULL AND t.status IN ({OPEN})"
        )
        parts = (
            coming.select(COLUMNS, "t.due_on", limit),
            past.select(COLUMNS, "t.due_on DESC", limit),
            repeating.select(COLUMNS, "t.due_on DESC", limit),
        )
        return " UNION ALL ".join(f"({part})" for part in parts), todos.values

    def _todos(self) -> SelectQuery:
        """The todos `t` of all that the feed shows: the owner's own, or those of its lists."""
        if self.list_ids is None:
            return todos_of(self.owner_id)
        todos = todo_ranges(self.viewer)
        only_of_lists(todos, self.list_ids)
        return todos.where(f"{LIST_OR_INBOX} = ANY({todos.bind(self.list_ids)})")


def list_ids_of(stored: str | None) -> list[UUID] | None:
    """The ids in the column `list_ids`; None for a feed of everything."""
    return None if stored is None else [UUID(id) for id in orjson.loads(stored)]


async def note_read(row: Row, now: datetime) -> None:
    """Store that a feed was read, exact to the minute: once a minute at most."""
    last = row["last_read_at"]
    if last is None or now - last >= MINUTE:
        await fetch(NOTE_READ, row["owner_id"], row["id"], now)
