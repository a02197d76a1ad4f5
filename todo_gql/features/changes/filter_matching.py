"""Finds the changes that concern a filter: it matches their todo now, or did before the change.

The state before a change is reconstructed from the todo and the log. The filter's SQL then runs on
these states instead of the tables, so that it means the same for both.
"""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

import orjson

from todo_gql.api.search_text import search_text
from todo_gql.api.time_zones import LAST_MOMENT
from todo_gql.changelog.access import IS_OF_TODO
from todo_gql.changelog.spans import has_source
from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import Action
from todo_gql.database.select import SelectQuery
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.changes.log_ranges import entering_changes, is_in_log, log_range
from todo_gql.features.todos.access import all_todos
from todo_gql.features.todos.columns import TAG_NAMES
from todo_gql.features.todos.days import DAY_COLUMNS, clock_of_filter
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.filters import COLUMN_TYPES, FilterConditions
from todo_gql.features.todos.history import FIELDS
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.snoozes import is_snoozed, uses_snoozes
from todo_gql.operation.clock import FilterClock
from todo_gql.security.authentication import Viewer

RESULT_TTL_SECONDS: Final = 1.0
MAX_CACHED_RESULTS: Final = 16
# The changes of a todo that has changed more often since are sent whether they match or not.
MAX_LATER_CHANGES = 100
COLUMN_BY_FIELD = {name: attribute for name, attribute, _ in FIELDS}
# The column's value of an enum's name in the log.
ENUM_NUMBERS = {
    field.name: field.nullable({member.name: member.value for member in field.enum}.__getitem__)
    for field in stored_fields()
    if field.enum
}
# What a filter's SQL can name: each field that is filtered or searched, and what tells the trash from
# the rest.
FILTERABLE_COLUMNS = {
    field.name: COLUMN_TYPES[field.name]
    for field in stored_fields()
    if field.filter or field.searched or field.name == "deleted_at"
} | {name: COLUMN_TYPES[name] for name in (*DAY_COLUMNS, "recurrence")}
# What is named besides follows from the fields.
STATE_COLUMNS = FILTERABLE_COLUMNS | {"search_text": COLUMN_TYPES["search_text"]}
LATER_CHANGES = (
    "SELECT c.seq, c.diff FROM changes c WHERE c.owner_id = t.owner_id AND c.todo_id = t.id"
    f" AND {IS_OF_TODO}"
    " AND c.seq > {} ORDER BY c.seq LIMIT {}"
)
# For each field its value before the first of the later changes to it. Reading the changes themselves
# would take a hundred times as much for each todo.
VALUES_BEFORE_LATER = (
    "(SELECT jsonb_agg(f.entry) FROM (SELECT DISTINCT ON (e.entry ->> 'name')"
    " e.entry - 'after' AS entry FROM ({0}) l, jsonb_array_elements(l.diff) AS e (entry)"
    " ORDER BY e.entry ->> 'name', l.seq) f) AS values_before,"
    " (SELECT count(*) FROM ({0}) l) AS later"
)
PREVIOUS_TIME = (
    "(SELECT c.at FROM changes c WHERE c.owner_id = t.owner_id AND c.todo_id = t.id"
    f" AND {IS_OF_TODO}"
    " AND c.seq < {} ORDER BY c.seq DESC LIMIT 1) AS earlier"
)
# The day in the todo's own zone is near it, and so filters may take it.
DUE_ON = "coalesce(t.due_date, (t.due_at AT TIME ZONE 'UTC')::date)"
# The CTEs shadow todos, todo_tags, tags and snoozes, so that FilterConditions' SQL runs on past states. Each
# state gets an owner of its own as its key, since one todo can have several states.
STATE_TABLES = f"""
WITH todos AS (SELECT t.*, {DUE_ON} AS due_on FROM jsonb_to_recordset({{0}}::jsonb)
    AS t (owner_id uuid, {", ".join(f"{name} {kind}" for name, kind in STATE_COLUMNS.items())})),
todo_tags AS (SELECT * FROM jsonb_to_recordset({{1}}::jsonb)
    AS tt (owner_id uuid, todo_id uuid, tag_id int, name text)),
tags AS (SELECT owner_id, tag_id AS id, name FROM todo_tags),
snoozes AS (SELECT * FROM jsonb_to_recordset({{2}}::jsonb)
    AS z (owner_id uuid, todo_id uuid, person_id uuid, until timestamptz))
"""

SNOOZED: Final = "is_snoozed"
"""Whether the viewer has put a todo off, in its state; null where no filter asks."""
DUE: Final = itemgetter("due_at", "due_date")
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MatchedChange:
    """A change to send, and whether the filter matches its todo as it is now."""

    row: Row
    matches: bool


@dataclass(slots=True)
class ChangeStates:
    """A change with the states of its todo: now, and before the change if that is known.

    There are two before if nobody knows whether the change ended that it was put off, and none if the viewer
    saw nothing of the todo before it came into their list: `is_entering`.
    """

    row: Row
    is_entering: bool = False
    now: State | None = None
    before: list[State] = field(default_factory=list)
    is_known: bool = False


async def matching_changes(
    viewer: Viewer, todo_filter: TodoFilter, rows: Sequence[Row], now: datetime
) -> list[MatchedChange]:
    """Those of some consecutive changes that concern a filter, in order."""
    clock = await clock_of_filter(viewer, todo_filter, now)
    snoozing = clock if uses_snoozes(todo_filter) else None
    change_states = await _load_states(viewer, rows, snoozing)
    states = [state for change in change_states for state in (change.now, *change.before) if state]
    matching = await _matching_states(todo_filter, states, clock)
    matched = []
    for change in change_states:
        matches = change.now is not None and change.now["owner_id"] in matching
        matched_before = any(state["owner_id"] in matching for state in change.before)
        if matches or matched_before or not change.is_known:
            matched.append(MatchedChange(change.row, matches))
    return matched


class FilterResults:
    """The results of the last second for the filters of one owner's subscriptions.

    Subscriptions with the same filter share a result, and one filter is evaluated at a time.
    """

    def __init__(self, lock: asyncio.Lock) -> None:
        self.lock = lock
        self._started_at = 0.0
        self._tasks: dict[Hashable, asyncio.Task[list[MatchedChange]]] = {}

    def clear(self) -> None:
        """Drop all results."""
        self._tasks.clear()

    def is_cached(self, viewer: Viewer, todo_filter: TodoFilter, rows: Sequence[Row]) -> bool:
        """Whether the result of a filter for these changes is cached, or being computed."""
        if (
            monotonic() - self._started_at > RESULT_TTL_SECONDS
            or len(self._tasks) >= MAX_CACHED_RESULTS
        ):
            self._tasks.clear()
        return _cache_key(viewer, todo_filter, rows) in self._tasks

    async def of(
        self, viewer: Viewer, todo_filter: TodoFilter, rows: Sequence[Row]
    ) -> list[MatchedChange]:
        """Those of some consecutive changes that concern a filter, cached for a second."""
        key = _cache_key(viewer, todo_filter, rows)
        task = self._tasks.get(key)
        if task is None:
            self._started_at = self._started_at if self._tasks else monotonic()
            task = self._tasks[key] = asyncio.create_task(self._match(viewer, todo_filter, rows))
            task.add_done_callback(partial(self._end, key))
        return await asyncio.shield(task)

    async def _match(
        self, viewer: Viewer, todo_filter: TodoFilter, rows: Sequence[Row]
    ) -> list[MatchedChange]:
        async with self.lock:
            return await matching_changes(viewer, todo_filter, rows, datetime.now(UTC))

    def _end(self, key: Hashable, task: asyncio.Task[list[MatchedChange]]) -> None:
        """Remove a failed result, so that the next call tries again."""
        if (task.cancelled() or task.exception()) and self._tasks.get(key) is task:
            del self._tasks[key]


def _cache_key(viewer: Viewer, todo_filter: TodoFilter, rows: Sequence[Row]) -> Hashable:
    """The key of a result. The repr of a filter contains all of its values."""
    return viewer.id, viewer.is_superuser, repr(todo_filter), rows[0]["seq"], rows[-1]["seq"]


async def _load_states(
    viewer: Viewer, rows: Sequence[Row], snoozing: FilterClock | None
) -> list[ChangeStates]:
    """The changes with the states of their todos, as far as the log goes back.

    With what is snoozed by the clock `snoozing`, if there is one: as it is now, since no log has it.
    """
    statement = all_todos(viewer)
    statement.where(f"t.id = ANY({statement.bind({row['todo_id'] for row in rows})})")
    first, last = log_range(rows, statement.bind)
    later = LATER_CHANGES.format(last, MAX_LATER_CHANGES + 1)
    earlier = PREVIOUS_TIME.format(first)
    columns = [
        *(f"t.{name}" for name in FILTERABLE_COLUMNS),
        TAG_NAMES,
        VALUES_BEFORE_LATER.format(later),
        earlier,
        f"{is_snoozed(statement.bind, snoozing) if snoozing else 'NULL::boolean'} AS {SNOOZED}",
    ]
    if has_source(rows):
        columns.append("t.owner_id")
    stored = await fetch(statement.select(columns), *statement.values)
    entering = await entering_changes(viewer, rows)
    change_states = [ChangeStates(row, is_entering=row["seq"] in entering) for row in rows]
    by_todo = defaultdict[UUID, list[ChangeStates]](list)
    for change in change_states:
        by_todo[change.row["todo_id"]].append(change)
    time_slice = TimeSlice()
    for todo in stored:
        await _rewind(todo, by_todo[todo["id"]], time_slice)
    return change_states


async def _rewind(todo: Row, changes: Sequence[ChangeStates], time_slice: TimeSlice) -> None:
    """Reconstruct the todo before each of its changes, from the last to the first.

    Those in the log of an owner before this one can't be reconstructed.
    """
    now = _with_unique_owner({name: todo[name] for name in (*FILTERABLE_COLUMNS, "tags", SNOOZED)})
    for change in changes:
        change.now = now
    changes = [change for change in changes if is_in_log(change.row, todo)]
    state, later = dict(now), todo["later"]
    if todo["values_before"]:
        _undo(state, todo["values_before"])
    times = [todo["earlier"], *(change.row["at"] for change in changes)]
    for change, time_before in zip(reversed(changes), reversed(times[:-1]), strict=True):
        await time_slice.checkpoint()
        created = change.row["action"] == Action.CREATED
        change.is_known = later <= MAX_LATER_CHANGES and (created or time_before is not None)
        if change.is_known and not created:
            due = DUE(state)
            _undo(state, change.row["diff"])
            if change.is_entering:
                continue
            change.before = [_with_unique_owner(state | {"updated_at": time_before})]
            repeats = state["recurrence"] is not None
            if todo[SNOOZED] is not None and repeats and due != DUE(state):
                # The next occurrence may have ended a snooze.
                change.before.append(_with_unique_owner(change.before[0] | {SNOOZED: True}))


def _with_unique_owner(state: State) -> State:
    return {**state, "owner_id": str(uuid4())}


def _undo(state: State, diff: str) -> None:
    for entry in orjson.loads(diff):
        # A newer release may log fields that this one doesn't know.
        name, value = COLUMN_BY_FIELD.get(entry["name"]), entry["before"]
        if name in state:
            state[name] = ENUM_NUMBERS[name](value) if name in ENUM_NUMBERS else value


def _tag_rows(states: Sequence[State]) -> Iterator[dict[str, Any]]:
    for state in states:
        for number, name in enumerate(state["tags"] or ()):
            yield {
                "owner_id": state["owner_id"],
                "todo_id": state["id"],
                "tag_id": number,
                "name": name,
            }


def _snooze_rows(states: Sequence[State], clock: FilterClock) -> Iterator[dict[str, Any]]:
    for state in states:
        if state[SNOOZED]:
            yield {
                "owner_id": state["owner_id"],
                "todo_id": state["id"],
                "person_id": clock.person_id,
                "until": LAST_MOMENT,
            }


async def _matching_states(
    todo_filter: TodoFilter, states: Sequence[State], clock: FilterClock
) -> set[str]:
    """The owners, one for each state, of the states that a filter matches."""
    statement = SelectQuery("todos t")
    rows = [
        {name: state[name] for name in ("owner_id", *FILTERABLE_COLUMNS)}
        | {"search_text": search_text(state["title"], state["description"])}
        for state in states
    ]
    clock = replace(clock, has_snoozed=any(state[SNOOZED] for state in states))
    parts = rows, list(_tag_rows(states)), list(_snooze_rows(states, clock))
    tables = (orjson.dumps(part, default=str).decode() for part in parts)
    relations = STATE_TABLES.format(*map(statement.bind, tables))
    in_trash = unset_to_none(todo_filter.is_deleted) is True
    statement.where(f"t.deleted_at IS {'NOT NULL' if in_trash else 'NULL'}")
    statement.where(FilterConditions(statement, clock).of(todo_filter, depth=1))
    text = statement.select(["DISTINCT t.owner_id::text AS state"])
    return {row["state"] for row in await fetch(relations + text, *statement.values)}
