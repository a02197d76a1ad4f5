"""Every DataLoader: made for one viewer and one operation, named by what it loads and by which key.

They return rows; the features turn rows into types.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from aiodataloader import DataLoader

from todo_gql import access, db
from todo_gql.auth import Viewer
from todo_gql.column_loader import ColumnDataLoader
from todo_gql.errors import Unauthenticated
from todo_gql.statement import Statement
from todo_gql.telemetry.observation import loader

TAGS_OF_TODOS = """
SELECT tt.todo_id, g.id, g.name, g.todo_count
FROM todo_tags tt JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id
WHERE tt.owner_id = $1 AND tt.todo_id = ANY($2) ORDER BY g.name
"""

COUNTS = """
SELECT u.id, u.change_seq, u.pending_count, u.in_progress_count, u.completed_count,
    u.cancelled_count FROM users u WHERE u.id = $1
"""
OVERDUE = (
    "SELECT count(*) FROM todos t WHERE t.owner_id = $1 AND t.deleted_at IS NULL"
    " AND t.status IN (0, 1) AND t.due_at < $2"
)
COUNTS_WITH_OVERDUE = COUNTS.replace(" FROM users", f", ({OVERDUE}) AS overdue_count FROM users")


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
        # What is asked for below, and so is fetched along: "tags" of todos, "overdue" of counts.
        self.wanted: frozenset[str] = frozenset()
        self._known_tags: dict[UUID, Sequence[db.Values]] = {}

    def fetch_along(self, names: frozenset[str]) -> None:
        """Fetch these along with what they belong to, where that saves a statement."""
        self.wanted |= names

    # Making them all takes longer than most operations, which need one or two.
    @cached_property
    def todo_by_id(self) -> ColumnDataLoader[UUID, db.Row | None]:
        """Todos, those in the trash too."""
        return ColumnDataLoader(self._todos_by_id)

    @cached_property
    def user_by_id(self) -> ColumnDataLoader[UUID, db.Row | None]:
        """The accounts that the viewer sees."""
        return ColumnDataLoader(self._users_by_id)

    @cached_property
    def tags_by_todo_id(self) -> ColumnDataLoader[UUID, Sequence[db.Values]]:
        """Each todo's tags in alphabetical order."""
        return ColumnDataLoader(self._tags_by_todo_id)

    @cached_property
    def history_by_todo_id(self) -> DataLoader[HistoryKey, list[db.Row]]:
        """A page of each todo's history, newest first."""
        return DataLoader(self._history_by_todo_id)

    @cached_property
    def newer_history_by_todo_id(self) -> DataLoader[HistoryKey, bool]:
        """Whether each todo has changes at number `before` or newer."""
        return DataLoader(self._newer_history)

    @cached_property
    def todo_counts(self) -> DataLoader[UUID, db.Row]:
        """The counts per status that the write path keeps with the owner."""
        return DataLoader(self._todo_counts)

    @cached_property
    def overdue_count(self) -> DataLoader[UUID, int]:
        """How many todos are overdue now."""
        return DataLoader(self._overdue_counts)

    def keep_tags(self, tags: Mapping[UUID, Sequence[db.Values]]) -> None:
        """Keep the tags of todos that are known already."""
        self._known_tags.update(tags)

    def keep_tags_of(self, rows: Sequence[db.Values]) -> None:
        """Keep the tags in rows of todos that were selected with `access.TAGS_OF_TODO`."""
        for row in rows:
            self._known_tags[row["id"]] = [
                {"id": id, "name": name, "todo_count": int(count)}
                for id, name, count in row["tags"]
            ]

    @loader
    async def _todos_by_id(self, ids: list[UUID]) -> list[db.Row | None]:
        if "tags" not in self.wanted:
            return await _by_id(access.all_todos(self.viewer), access.TODO_COLUMNS, "t", ids)
        columns = [*access.TODO_COLUMNS, access.TAGS_OF_TODO]
        rows = await _by_id(access.all_todos(self.viewer), columns, "t", ids)
        self.keep_tags_of([row for row in rows if row])
        return rows

    @loader
    async def _users_by_id(self, ids: list[UUID]) -> list[db.Row | None]:
        return await _by_id(access.visible_users(self.viewer), access.USER_COLUMNS, "u", ids)

    @loader
    async def _tags_by_todo_id(self, ids: list[UUID]) -> list[Sequence[db.Values]]:
        known = self._known_tags
        if missing := [todo_id for todo_id in ids if todo_id not in known]:
            rows = await db.fetch(TAGS_OF_TODOS, self.viewer.id, missing)
            known.update(zip(missing, grouped_tags(rows, missing), strict=True))
        return [known[todo_id] for todo_id in ids]

    @loader
    async def _history_by_todo_id(self, keys: list[HistoryKey]) -> list[list[db.Row]]:
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

    @loader
    async def _newer_history(self, keys: list[HistoryKey]) -> list[bool]:
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

    @loader
    async def _todo_counts(self, ids: list[UUID]) -> list[Any]:
        """The counts per status that the write path keeps with the owner.

        `Unauthenticated` where the account is gone, or isn't the viewer's.
        """
        if "overdue" in self.wanted:
            rows = await db.fetch(COUNTS_WITH_OVERDUE, self.viewer.id, self.now)
        else:
            rows = await db.fetch(COUNTS, self.viewer.id)
        found = {row["id"]: row for row in rows}
        return [found.get(owner_id, Unauthenticated()) for owner_id in ids]

    @loader
    async def _overdue_counts(self, ids: list[UUID]) -> list[int]:
        """What the clock moves can't be kept, so it is counted from an index."""
        row = await db.fetchrow(OVERDUE, self.viewer.id, self.now)
        assert row is not None
        return [row["count"] if owner_id == self.viewer.id else 0 for owner_id in ids]


async def _by_id(
    statement: Statement, columns: Sequence[str], alias: str, ids: list[UUID]
) -> list[db.Row | None]:
    statement.where(f"{alias}.id = ANY({statement.bind(ids)})")
    rows = await db.fetch(statement.select(columns), *statement.values)
    found = {row["id"]: row for row in rows}
    return [found.get(wanted) for wanted in ids]
