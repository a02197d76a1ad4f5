"""Which changes concern a filter: of todos that it matches now, or matched before the change.

What a todo was before a change is worked out from what it is and from the log. The filter is asked
of that in SQL, as of the stored todos, so that it means the same.
"""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

import orjson

from todo_gql.database.connection import Row, fetch
from todo_gql.database.models import Action, Priority, Status
from todo_gql.database.select import Statement
from todo_gql.features.todos.filters import FilterConditions
from todo_gql.features.todos.history import FIELDS
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.operation.time_slice import TimeSlice
from todo_gql.security import access
from todo_gql.security.authentication import Viewer

SHARED_SECONDS: Final = 1.0
MOST_SHARED: Final = 16
# A todo that has changed more often since is told of in any case.
MOST_LATER = 100
ATTRIBUTES = {shown_name: attribute for shown_name, attribute, _ in FIELDS}
VALUES: dict[str, Mapping[str, int]] = {
    "status": {status.name: status for status in Status},
    "priority": {priority.name: priority for priority in Priority},
}
COMPARED = {
    "id": "uuid",
    "title": "text",
    "description": "text",
    "status": "smallint",
    "priority": "smallint",
    "due_at": "timestamptz",
    "completed_at": "timestamptz",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "deleted_at": "timestamptz",
}
TAG_NAMES = (
    "ARRAY(SELECT g.name::text FROM todo_tags tt"
    " JOIN tags g ON g.owner_id = tt.owner_id AND g.id = tt.tag_id"
    " WHERE tt.owner_id = t.owner_id AND tt.todo_id = t.id) AS tags"
)
LATER = (
    "SELECT c.seq, c.diff FROM changes c WHERE c.owner_id = t.owner_id AND c.todo_id = t.id"
    " AND c.seq > {} ORDER BY c.seq LIMIT {}"
)
# What each field was before the first of the later changes to it. The changes themselves would be
# a hundred times as much for each todo.
UNDONE = (
    "(SELECT jsonb_agg(f.entry) FROM (SELECT DISTINCT ON (e.entry ->> 'name')"
    " e.entry - 'after' AS entry FROM ({0}) l, jsonb_array_elements(l.diff) AS e (entry)"
    " ORDER BY e.entry ->> 'name', l.seq) f) AS undone,"
    " (SELECT count(*) FROM ({0}) l) AS later"
)
EARLIER = (
    "(SELECT c.at FROM changes c WHERE c.owner_id = t.owner_id AND c.todo_id = t.id"
    " AND c.seq < {} ORDER BY c.seq DESC LIMIT 1) AS earlier"
)
# Named like the tables, so that the filter's conditions are about these rows instead. Each state
# is of an owner of its own, since a todo can be there in several.
STATES = f"""
WITH todos AS (SELECT * FROM jsonb_to_recordset({{0}}::jsonb)
    AS t (owner_id uuid, {", ".join(f"{name} {kind}" for name, kind in COMPARED.items())})),
todo_tags AS (SELECT * FROM jsonb_to_recordset({{1}}::jsonb)
    AS tt (owner_id uuid, todo_id uuid, tag_id int, name text)),
tags AS (SELECT owner_id, tag_id AS id, name FROM todo_tags)
"""

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A change, and whether its todo matches as it is now."""

    row: Row
    matches: bool


@dataclass(slots=True)
class Judged:
    """What a filter is asked about a change: its todo now, and before, if that is known."""

    row: Row
    now: State | None = None
    before: State | None = None
    is_known: bool = False


async def matched(
    viewer: Viewer, wanted: TodoFilter, rows: Sequence[Row], now: datetime
) -> list[Told]:
    """The changes, out of some in a row, that are told to whoever follows what a filter matches."""
    judged = await _judged(viewer, rows)
    states = [state for each in judged for state in (each.now, each.before) if state]
    matching = await _matching(wanted, states, now)
    told = []
    for each in judged:
        matches = each.now is not None and each.now["owner_id"] in matching
        matched_before = each.before is not None and each.before["owner_id"] in matching
        if matches or matched_before or not each.is_known:
            told.append(Told(each.row, matches))
    return told


class Matches:
    """What the filters of one owner's subscriptions were asked in the last second.

    Those with the same filter are told the same of the same changes, and one is asked at a time.
    """

    def __init__(self, turn: asyncio.Lock) -> None:
        self.turn = turn
        self._since = 0.0
        self._asked: dict[Hashable, asyncio.Task[list[Told]]] = {}

    def clear(self) -> None:
        """Drop all results."""
        self._asked.clear()

    def is_known(self, viewer: Viewer, wanted: TodoFilter, rows: Sequence[Row]) -> bool:
        """Whether a filter was just asked about these changes."""
        if monotonic() - self._since > SHARED_SECONDS or len(self._asked) >= MOST_SHARED:
            self._asked.clear()
        return _key(viewer, wanted, rows) in self._asked

    async def of(self, viewer: Viewer, wanted: TodoFilter, rows: Sequence[Row]) -> list[Told]:
        """The changes that are told to whoever follows what a filter matches."""
        key = _key(viewer, wanted, rows)
        task = self._asked.get(key)
        if task is None:
            self._since = self._since if self._asked else monotonic()
            task = self._asked[key] = asyncio.create_task(self._matched(viewer, wanted, rows))
            task.add_done_callback(partial(self._end, key))
        return await asyncio.shield(task)

    async def _matched(self, viewer: Viewer, wanted: TodoFilter, rows: Sequence[Row]) -> list[Told]:
        async with self.turn:
            return await matched(viewer, wanted, rows, datetime.now(UTC))

    def _end(self, key: Hashable, task: asyncio.Task[list[Told]]) -> None:
        """Share no failure, which is asked again."""
        if (task.cancelled() or task.exception()) and self._asked.get(key) is task:
            del self._asked[key]


def _key(viewer: Viewer, wanted: TodoFilter, rows: Sequence[Row]) -> Hashable:
    """What a filter was asked: its values, as they are shown, tell filters apart."""
    return viewer.is_superuser, repr(wanted), rows[0]["seq"], rows[-1]["seq"]


async def _judged(viewer: Viewer, rows: Sequence[Row]) -> list[Judged]:
    """The changes with the states of their todos, as far as the log tells."""
    statement = access.all_todos(viewer)
    statement.where(f"t.id = ANY({statement.bind({row['todo_id'] for row in rows})})")
    later = LATER.format(statement.bind(rows[-1]["seq"]), MOST_LATER + 1)
    earlier = EARLIER.format(statement.bind(rows[0]["seq"]))
    columns = [*(f"t.{name}" for name in COMPARED), TAG_NAMES, UNDONE.format(later), earlier]
    stored = await fetch(statement.select(columns), *statement.values)
    judged = {row["seq"]: Judged(row) for row in rows}
    by_todo = defaultdict[UUID, list[Judged]](list)
    for each in judged.values():
        by_todo[each.row["todo_id"]].append(each)
    time_slice = TimeSlice()
    for todo in stored:
        await _look_back(todo, by_todo[todo["id"]], time_slice)
    return list(judged.values())


async def _look_back(todo: Row, changes: Sequence[Judged], time_slice: TimeSlice) -> None:
    """Work out what a todo was before each of its changes, from the last to the first."""
    now = _identified({**{name: todo[name] for name in COMPARED}, "tags": todo["tags"]})
    state, later = dict(now), todo["later"]
    if todo["undone"]:
        _undo(state, todo["undone"])
    times = [todo["earlier"], *(each.row["at"] for each in changes)]
    for each, time_before in zip(reversed(changes), reversed(times[:-1]), strict=True):
        await time_slice.checkpoint()
        each.now = now
        created = each.row["action"] == Action.CREATED
        each.is_known = later <= MOST_LATER and (created or time_before is not None)
        if each.is_known and not created:
            _undo(state, each.row["diff"])
            each.before = _identified(state | {"updated_at": time_before})


def _identified(state: State) -> State:
    return {**state, "owner_id": str(uuid4())}


def _undo(state: State, diff: str) -> None:
    for entry in orjson.loads(diff):
        name, value = ATTRIBUTES[entry["name"]], entry["before"]
        if name in state:
            state[name] = VALUES[name][value] if name in VALUES else value


def _tags_of(states: Sequence[State]) -> Iterator[dict[str, Any]]:
    for state in states:
        for number, name in enumerate(state["tags"] or ()):
            yield {
                "owner_id": state["owner_id"],
                "todo_id": state["id"],
                "tag_id": number,
                "name": name,
            }


async def _matching(wanted: TodoFilter, states: Sequence[State], now: datetime) -> set[str]:
    """Which of the states a filter matches."""
    statement = Statement("todos t")
    rows = [{name: state[name] for name in ("owner_id", *COMPARED)} for state in states]
    given_rows = (
        orjson.dumps(part, default=str).decode() for part in (rows, list(_tags_of(states)))
    )
    relations = STATES.format(*map(statement.bind, given_rows))
    in_trash = unset_to_none(wanted.is_deleted) is True
    statement.where(f"t.deleted_at IS {'NOT NULL' if in_trash else 'NULL'}")
    statement.where(FilterConditions(statement, now).of(wanted, depth=1))
    text = statement.select(["DISTINCT t.owner_id::text AS state"])
    return {row["state"] for row in await fetch(relations + text, *statement.values)}
