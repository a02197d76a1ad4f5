"""Completed occurrences of repeating todos: the copies that are left of them, and their pages."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments
from todo_gql.api.keyset import Keyset, SortKey, parse_number
from todo_gql.api.scalars import json_fragment
from todo_gql.api.text import Problem
from todo_gql.database.connection import Row, fetch
from todo_gql.features.todos.access import TODO_OF_MEMBER, owner_of_seen
from todo_gql.features.todos.columns import TodoSelection
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.recurring import ended, step_of
from todo_gql.features.todos.state import TodoState
from todo_gql.features.todos.storage import Quota
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.observability.request_record import loader
from todo_gql.operation.context import Context
from todo_gql.operation.json_columns import parse_json_column
from todo_gql.operation.loaders import LoaderContext, rows_by_number

NEWEST_FIRST: Final = Keyset(
    SortKey(
        *("version", "t.series_version", "series_version", parse_number),
        descending=True,
        extra="t.series_version",
    )
)
IS_OCCURRENCE: Final = "t.owner_id = {owner} AND t.series_id = k.series_id AND t.deleted_at IS NULL"
SET_SERIES: Final = """
UPDATE todos t SET series_id = s.series_id, series_version = s.version
FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS s (id, series_id, version)
WHERE t.owner_id = $1 AND t.id = s.id
"""
END_SNOOZES: Final = "DELETE FROM snoozes WHERE owner_id = $1 AND todo_id = ANY($2::uuid[])"


class CopyOf(NamedTuple):
    """The repeating todo of which a completed occurrence is a copy, and its version before."""

    series_id: UUID
    version: int


class CompletedOccurrences:
    """The steps that todos take in one write, and the copies of what was completed, by their todos."""

    def __init__(self, write: OwnerWrite, quota: Quota) -> None:
        self.write = write
        self.quota = quota
        self._before: dict[UUID, TodoState] = {}
        self._copies: dict[UUID, TodoState] = {}

    def advance(self, before: TodoState, after: TodoState) -> TodoState | Problem:
        """The todo after an edit, at its next occurrence if the edit completes one that isn't the last.

        Returns the problem if the quota has no room for the copy.
        """
        if after.recurrence is None:
            return after
        step = step_of(before, after, self.write.clock)
        if step is None:
            return ended(before, after)
        if problem := self.write.storage.reserve(Entry(None, step.occurrence), self.quota):
            return problem
        self._before[before.id], self._copies[before.id] = before, step.occurrence
        return step.todo

    def drop(self, todo_id: UUID) -> None:
        """Leave no copy of a todo, since it can't change."""
        self._copies.pop(todo_id, None)

    async def store(self) -> dict[UUID, TodoState]:
        """Create the copies, after the todos are stored, and return them by their todos."""
        if not self._copies:
            return {}
        await end_snoozes(self.write, list(self._copies))
        created = await self.write.create(list(self._copies.values()))
        series = {
            copy.id: CopyOf(todo_id, self._before[todo_id].version)
            for todo_id, copy in self._copies.items()
        }
        await set_series(self.write, series)
        return {todo_id: created[copy.id] for todo_id, copy in self._copies.items()}


async def set_series(write: OwnerWrite, copies: Mapping[UUID, CopyOf]) -> None:
    """Store of which todos these are the completed occurrences, by their ids."""
    series_ids = [copy.series_id for copy in copies.values()]
    versions = [copy.version for copy in copies.values()]
    await write.connection.execute(SET_SERIES, write.owner_id, list(copies), series_ids, versions)


async def end_snoozes(write: OwnerWrite, todo_ids: Sequence[UUID]) -> None:
    """Show todos again to all who put them off."""
    await write.connection.execute(END_SNOOZES, write.owner_id, todo_ids)


class PastKey(NamedTuple):
    """A page of the completed occurrences of a todo: `size` of those before a version of it."""

    series_id: UUID
    size: int
    before: int | None


@loader
async def past_by_series_id(context: LoaderContext, keys: list[PastKey]) -> list[list[Row]]:
    """A page of each todo's completed occurrences, newest first."""
    columns, tags = context.selection(TodoSelection)
    is_occurrence = _is_occurrence(context)
    selected = (*columns, *([tags] if tags else ()), *NEWEST_FIRST.extra_columns)
    rows = await fetch(
        f"SELECT k.number, {', '.join(selected)}"
        " FROM unnest($2::uuid[], $3::int[], $4::bigint[])"
        "  WITH ORDINALITY AS k (series_id, size, before, number)"
        f" CROSS JOIN LATERAL (SELECT * FROM todos t WHERE {is_occurrence}"
        "  AND (k.before IS NULL OR t.series_version < k.before)"
        "  ORDER BY t.series_version DESC LIMIT k.size) t"
        " ORDER BY k.number, t.series_version DESC",
        context.viewer.id,
        [key.series_id for key in keys],
        [key.size for key in keys],
        [key.before for key in keys],
    )
    rows = await parse_json_column(rows, "metadata", json_fragment)
    return rows_by_number(rows, len(keys))


@loader
async def past_counts(context: LoaderContext, series_ids: list[UUID]) -> list[int]:
    """How many completed occurrences of each todo there are outside the trash."""
    rows = await fetch(
        f"SELECT (SELECT count(*) FROM todos t WHERE {_is_occurrence(context)}) AS number"
        " FROM unnest($2::uuid[]) WITH ORDINALITY AS k (series_id, number) ORDER BY k.number",
        context.viewer.id,
        series_ids,
    )
    return [row["number"] for row in rows]


def _is_occurrence(context: LoaderContext) -> str:
    condition = IS_OCCURRENCE.format(owner=owner_of_seen(context.viewer, "k.series_id"))
    # A copy may have been moved to another list than its series is in.
    return f"{condition} AND {TODO_OF_MEMBER}" if context.viewer.is_member else condition


async def past_page(context: Context, series_id: UUID, arguments: PageArguments) -> Page:
    """A page of one todo's completed occurrences, loaded in one batch with those of other todos.

    Raises `BadUserInput` for invalid arguments or cursors.
    """
    size, cursor = arguments.size(50), arguments.after
    before = None if cursor is None else int(str(NEWEST_FIRST.values(cursor)[0]))
    rows = await context.loader(past_by_series_id).load_one(PastKey(series_id, size + 1, before))
    return Page(rows[:size], NEWEST_FIRST, cursor is not None, len(rows) > size)
