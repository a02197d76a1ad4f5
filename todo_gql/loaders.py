"""Every DataLoader: made for one viewer and one operation, named by what it loads and by which key.

They return rows; the features turn rows into types.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from aiodataloader import DataLoader

from todo_gql import access, db
from todo_gql.auth import Viewer
from todo_gql.column_loader import ColumnDataLoader
from todo_gql.errors import Unauthenticated
from todo_gql.statement import Statement

TAGS_OF_TODOS = """
SELECT tt.todo_id, g.id, g.owner_id, g.name, g.todo_count
FROM todo_tags tt JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id
WHERE tt.owner_id = $1 AND tt.todo_id = ANY($2) ORDER BY g.name
"""


def grouped_tags(rows: Sequence[db.Row], todo_ids: Sequence[UUID]) -> list[list[db.Row]]:
    """The rows of `TAGS_OF_TODOS`, a list for each todo."""
    tags = defaultdict[UUID, list[db.Row]](list)
    for row in rows:
        tags[row["todo_id"]].append(row)
    return [tags[todo_id] for todo_id in todo_ids]


class HistoryKey(NamedTuple):
    """A page of a todo's history: `size` changes older than number `before`."""

    todo_id: UUID
    size: int
    before: int


class Loaders:
    """The loaders of one operation."""

    def __init__(self, viewer: Viewer, now: datetime) -> None:
        self.viewer = viewer
        self.now = now
        self.todo_by_id = ColumnDataLoader[UUID, db.Row | None](self._todos_by_id)
        self.user_by_id = ColumnDataLoader[UUID, db.Row | None](self._users_by_id)
        self.tags_by_todo_id = ColumnDataLoader[UUID, list[db.Row]](self._tags_by_todo_id)
        self.history_by_todo_id = DataLoader[HistoryKey, list[db.Row]](self._history_by_todo_id)
        self.newer_history_by_todo_id = DataLoader[HistoryKey, bool](self._newer_history)
        self.todo_counts = DataLoader[UUID, db.Row](self._todo_counts)
        self.overdue_count = DataLoader[UUID, int](self._overdue_counts)

    async def _todos_by_id(self, ids: list[UUID]) -> list[db.Row | None]:
        """Todos, those in the trash too."""
        return await _by_id(access.all_todos(self.viewer), access.TODO_COLUMNS, "t", ids)

    async def _users_by_id(self, ids: list[UUID]) -> list[db.Row | None]:
        return await _by_id(access.visible_users(self.viewer), access.USER_COLUMNS, "u", ids)

    async def _tags_by_todo_id(self, ids: list[UUID]) -> list[list[db.Row]]:
        """Each todo's tags in alphabetical order."""
        return grouped_tags(await db.fetch(TAGS_OF_TODOS, self.viewer.id, ids), ids)

    async def _history_by_todo_id(self, keys: list[HistoryKey]) -> list[list[db.Row]]:
        """A page of each todo's history, newest first."""
        rows = await db.fetch(
            f"SELECT k.place, {', '.join(access.CHANGE_COLUMNS)}"
            " FROM unnest($2::uuid[], $3::bigint[], $4::bigint[])"
            "  WITH ORDINALITY AS k (todo_id, size, before, place)"
            " CROSS JOIN LATERAL (SELECT * FROM changes h WHERE h.owner_id = $1"
            "  AND h.todo_id = k.todo_id AND h.seq < k.before ORDER BY h.seq DESC LIMIT k.size) c"
            " ORDER BY k.place, c.seq DESC",
            self.viewer.id,
            [key.todo_id for key in keys],
            [key.size for key in keys],
            [key.before for key in keys],
        )
        pages: list[list[db.Row]] = [[] for _ in keys]
        for row in rows:
            pages[row["place"] - 1].append(row)
        return pages

    async def _newer_history(self, keys: list[HistoryKey]) -> list[bool]:
        """Whether each todo has changes at number `before` or newer."""
        rows = await db.fetch(
            "SELECT EXISTS (SELECT FROM changes c WHERE c.owner_id = $1"
            "  AND c.todo_id = k.todo_id AND c.seq >= k.before) AS found"
            " FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS k (todo_id, before, place)"
            " ORDER BY k.place",
            self.viewer.id,
            [key.todo_id for key in keys],
            [key.before for key in keys],
        )
        return [row["found"] for row in rows]

    async def _todo_counts(self, ids: list[UUID]) -> list[Any]:
        """The counts per status that the write path keeps with the owner.

        `Unauthenticated` where the account is gone, or isn't the viewer's.
        """
        rows = await db.fetch(
            "SELECT u.id, u.change_seq, u.pending_count, u.in_progress_count, u.completed_count,"
            " u.cancelled_count FROM users u WHERE u.id = $1",
            self.viewer.id,
        )
        found = {row["id"]: row for row in rows}
        return [found.get(owner_id, Unauthenticated()) for owner_id in ids]

    async def _overdue_counts(self, ids: list[UUID]) -> list[int]:
        """What the clock moves can't be kept, so it is counted from an index."""
        statement = access.visible_todos(self.viewer).where("t.status IN (0, 1)")
        statement.where(f"t.due_at < {statement.bind(self.now)}")
        row = await db.fetchrow(statement.select(["count(*)"]), *statement.values)
        assert row is not None
        return [row["count"] if owner_id == self.viewer.id else 0 for owner_id in ids]


async def _by_id(
    statement: Statement, columns: Sequence[str], alias: str, ids: list[UUID]
) -> list[db.Row | None]:
    statement.where(f"{alias}.id = ANY({statement.bind(ids)})")
    rows = await db.fetch(statement.select(columns), *statement.values)
    found = {row["id"]: row for row in rows}
    return [found.get(wanted) for wanted in ids]
