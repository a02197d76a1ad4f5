"""The rows of a write: the JSON parameter of its statement, and which parts the statement needs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import orjson
from uuid_utils import uuid7

from todo_gql.changelog.sizes import ROW_BYTES
from todo_gql.database.models import ChangeKind, EntityAction
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.history import Entry
from todo_gql.features.todos.state import (
    DATES,
    DETAILS,
    PLACEMENT,
    SCHEDULE,
    SCHEDULE_NAMES,
    TEXTS,
    TodoState,
)
from todo_gql.features.todos.storage import Quota, growth, growth_by_departure, spaces_of
from todo_gql.features.todos.write_deltas import (
    FIRST_PRIORITY,
    SubtaskDelta,
    TagDelta,
    count_deltas,
    due_deltas,
    has_placement,
    list_deltas,
    subtask_deltas,
    with_subtask_counts,
)
from todo_gql.features.todos.write_sql import (
    SUBTASK_COUNTS,
    StatementParts,
    created_columns,
    updated_columns,
)
from todo_gql.reminder_times.moments import TodoDates

# Encoding and sending as many characters takes less than a millisecond.
LONG_PAYLOAD = 256 * 1024


class EntityChange(NamedTuple):
    """A change of something other than a todo.

    Each of `fields` has a `name`, and a `before` and an `after` that are texts, numbers, Booleans or null.
    `added_bytes` are what it adds to the account beside its line of the log.
    """

    kind: ChangeKind
    entity_id: UUID
    list_id: UUID | None
    action: EntityAction
    fields: Sequence[Mapping[str, object]]
    todo_id: UUID | None = None
    added_bytes: int = 0

    @property
    def list_ids(self) -> Iterable[UUID | None]:
        """The list that it concerns, or None."""
        return (self.list_id,)


Change: TypeAlias = Entry | EntityChange
"""What gets a number in the log."""


class WriteRows:
    """What one statement writes for changes, in the order of their numbers.

    `first_id` is the id of the first one's line in the log, and `other_bytes` is by how much the account's
    storage grows besides.
    """

    other_bytes = 0

    def __init__(self, changes: Sequence[Change]) -> None:
        entries = [change for change in changes if isinstance(change, Entry)]
        # Most todos are in the inbox and below no other.
        placed = [entry for entry in entries if has_placement(entry)]
        self.subtasks: dict[UUID, SubtaskDelta] = subtask_deltas(placed) if placed else {}
        self.entries = with_subtask_counts(entries, self.subtasks)
        self.changes = changes
        self.tags = TagDelta.of(entries, placed)
        self.due = due_deltas(entries)
        self.lists = list_deltas(placed) if placed else {}
        self.counts = count_deltas(self.entries)
        self.first_id = str(uuid7())
        self.parts = self._parts()

    def _parts(self) -> StatementParts:
        """Which parts the statement needs, besides what every write has."""
        entries = self.entries
        is_placed = (
            len(entries) < len(self.changes)
            or bool(self.lists or self.subtasks or self.tags.in_lists)
            or _any_sets(PLACEMENT, entries, NOWHERE)
        )
        return StatementParts(
            tags=bool(self.tags.counts),
            added=bool(self.tags.added),
            removed=bool(self.tags.removed),
            due=bool(self.due),
            placed=is_placed,
            texts=_any_sets(TEXTS, entries),
            details=_any_sets(DETAILS, entries),
            statuses=any(self.counts[:FIRST_PRIORITY]),
            priorities=any(self.counts[FIRST_PRIORITY:]),
            dates=_any_sets(SCHEDULE, entries, NO_DATES),
            created=any(
                before is None and after.created_at != after.updated_at for before, after in entries
            ),
        )

    @property
    def list_ids(self) -> Iterable[Iterable[UUID | None]]:
        """The lists, or None, that each change concerns."""
        return (change.list_ids for change in self.changes)

    async def payload(
        self,
        now: datetime | None,
        *,
        created: bool,
        first_seq: int | None = None,
        quota: Quota | None = None,
    ) -> str:
        """The statement's JSON parameter; with a quota it writes only what that leaves room for.

        It has the rows of the created todos, or of those that changed. `first_seq` is the number of
        the first change of the mutation if that isn't the first of these.
        """
        time_slice = TimeSlice()
        added_bytes, change_rows = await self._change_rows(time_slice)
        written = [entry for entry in self.entries if (entry.before is None) is created]
        rows: dict[str, object] = {
            "quota": quota and list(quota),
            "now": now,
            "todos": await self._todo_rows(written, time_slice, created=created),
            "counts": [
                *self.counts,
                added_bytes + self.other_bytes,
                len(change_rows),
                len(change_rows),
            ],
            "changes": change_rows,
            "first_seq": first_seq,
            **self._counter_rows(),
        }
        payload = orjson.dumps(rows, default=str).decode()
        if len(payload) > LONG_PAYLOAD:
            # asyncpg encodes and sends it at once.
            await time_slice.end()
        return payload

    def counts_payload(self, lines: int, added_bytes: int) -> str:
        """The parameter that counts the todos, which are stored otherwise with so many lines of the log."""
        counts = [*self.counts, added_bytes, lines, lines]
        rows = {"counts": counts, "changes": [], **self._counter_rows()}
        return orjson.dumps(rows, default=str).decode()

    async def _change_rows(self, time_slice: TimeSlice) -> tuple[int, list[dict[str, object]]]:
        """The bytes that the changes add to the account, and the lines of the change log.

        `later` is how many come after each.
        """
        added_bytes = 0
        rows: list[dict[str, object]] = []
        for later, change in zip(range(len(self.changes) - 1, -1, -1), self.changes, strict=True):
            # A single todo is never long enough for a pause.
            if rows:
                await time_slice.checkpoint()
            row, diff, growth_of_row = self._log_row(change)
            added_bytes += growth_of_row
            row |= {
                "id": str(uuid7()) if rows else self.first_id,
                "later": later,
                "diff": orjson.Fragment(diff),
            }
            rows.append(row)
        return added_bytes, rows

    def _log_row(self, change: Change) -> tuple[dict[str, object], bytes, int]:
        """A change's line of the log, its diff, and the bytes that the change adds to the account."""
        if isinstance(change, Entry):
            row: dict[str, object] = {"todo_id": change.after.id, "action": change.action}
            if change.after.list_id:
                row["list_id"] = change.after.list_id
            return row, change.logged.diff, growth(change)
        diff = orjson.dumps(change.fields, default=str)
        row = {
            "kind": change.kind,
            "entity_id": change.entity_id,
            "list_id": change.list_id,
            "todo_id": change.todo_id,
            "action": change.action,
        }
        return row, diff, ROW_BYTES + len(diff) + spaces_of(change.fields) + change.added_bytes

    async def _todo_rows(
        self, entries: Sequence[Entry], time_slice: TimeSlice, *, created: bool
    ) -> Sequence[object]:
        """The rows of todos as JSON, with pauses between many."""
        parts = self.parts
        columns = created_columns(parts) if created else updated_columns(parts)
        if len(entries) <= 1:
            return [_todo_row(entry, columns) for entry in entries]
        rows: list[object] = []
        for entry in entries:
            await time_slice.checkpoint()
            rows.append(orjson.Fragment(orjson.dumps(_todo_row(entry, columns), default=str)))
        await time_slice.checkpoint()
        return rows

    def _counter_rows(self) -> dict[str, object]:
        """The rows of what is counted, as far as there are any."""
        tags = self.tags
        rows: dict[str, object] = {}
        if tags.counts:
            rows["tags"] = _tag_rows(tags.counts)
        if tags.added:
            rows["added"] = [{"todo_id": todo_id, "name": name} for todo_id, name in tags.added]
        if tags.removed:
            rows["removed"] = [{"todo_id": todo_id, "name": name} for todo_id, name in tags.removed]
        if tags.in_lists:
            rows["list_tags"] = [
                {"list_id": list_id, "name": name, "delta": delta}
                for (list_id, name), delta in tags.in_lists.items()
            ]
        if self.lists:
            rows["lists"] = [{"id": id, "counts": counts} for id, counts in self.lists.items()]
        if self.due:
            rows["due"] = [
                {"day": day, "is_timed": is_timed, "open": counts[0], "closed": counts[1]}
                for (day, is_timed), counts in self.due.items()
            ]
        if self.subtasks:
            rows["parents"] = [
                {"id": id, "subtasks": delta.subtasks, "completed": delta.completed}
                for id, delta in self.subtasks.items()
            ]
        return rows


class DepartureRows(WriteRows):
    """What one statement writes for todos that another owner gets, who counts them from then on.

    Each entry has the todo as it is and as it will be. Its line belongs to the list that it leaves.
    """

    def __init__(self, departed: Sequence[Entry]) -> None:
        super().__init__([Entry(None, entry.before) for entry in departed if entry.before])
        self.changes = self.departed = departed
        self.counts = [-number for number in self.counts]
        tags = self.tags
        self.tags = TagDelta(
            added=[],
            removed=tags.added,
            counts={name: -number for name, number in tags.counts.items()},
            in_lists={key: -number for key, number in tags.in_lists.items()},
        )
        self.due = {day: [-number for number in counts] for day, counts in self.due.items()}
        self.lists = {id: [-number for number in counts] for id, counts in self.lists.items()}
        self.subtasks = {
            id: SubtaskDelta(-delta.subtasks, -delta.completed)
            for id, delta in self.subtasks.items()
        }
        self.parts = self.parts._replace(added=False, removed=bool(tags.added))

    @property
    def list_ids(self) -> Iterable[Iterable[UUID | None]]:
        """The list that each todo leaves; the other owner's log has the one where it goes."""
        return ((change.before.list_id,) for change in self.departed if change.before)

    def _log_row(self, change: Change) -> tuple[dict[str, object], bytes, int]:
        assert isinstance(change, Entry)
        assert change.before
        row, diff, _ = super()._log_row(change)
        return row | {"list_id": change.before.list_id}, diff, growth_by_departure(change)


NOWHERE = (None, None, None, None, None, 0, 0)
"""The placement that a new todo gets by itself."""
NO_DATES = (None,) * len(SCHEDULE_NAMES)


def moved_dates(entries: Iterable[Entry]) -> dict[UUID, TodoDates]:
    """The dates of the todos that now start or are due at another time, by their ids."""
    return {
        after.id: after.dates
        for before, after in entries
        if before and DATES(before) != DATES(after)
    }


def _any_sets(
    values: Callable[[TodoState], object], entries: Sequence[Entry], by_itself: object = None
) -> bool:
    """Whether a change sets any of these values, or a new todo has others than it gets by itself."""
    # A generator for `any` takes as long as all that it does for one change.
    for before, after in entries:
        if values(after) != (values(before) if before else by_itself):
            return True
    return False


def _todo_row(entry: Entry, columns: Sequence[str]) -> dict[str, Any]:
    """The row of a todo; of one that changes, by how much its numbers of subtasks change."""
    before, after = entry
    row = after.as_written(columns)
    if before and SUBTASK_COUNTS[0] in row:
        for name in SUBTASK_COUNTS:
            row[name] -= getattr(before, name)
    return row


def _tag_rows(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Rows of tags by name, each with the delta of its count of todos."""
    return [{"id": str(uuid7()), "name": name, "delta": delta} for name, delta in counts.items()]
