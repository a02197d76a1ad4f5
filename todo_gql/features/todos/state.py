"""The stored state of a todo, and its successor by an edit."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Self, TypeAlias
from uuid import UUID

import orjson

from todo_gql.api.search_text import search_text
from todo_gql.api.time_zones import day_of, time_zone
from todo_gql.database.connection import Values
from todo_gql.database.models import Status
from todo_gql.event_loop.time_slice import TimeSlice
from todo_gql.features.todos.canonical_json import NO_METADATA, canonical_json
from todo_gql.features.todos.field_types import REQUIRED
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.tag_names import as_carried
from todo_gql.reminder_times.moments import DATE_COLUMNS, TodoDates

TodoEdit: TypeAlias = dict[str, Any]
"""The validated values that replace those of a todo, by name; absent ones stay."""


def _values() -> Any:
    """A named tuple of all stored fields, first those that every todo has a value of."""
    fields = sorted(stored_fields(), key=lambda field: field.initial is not REQUIRED)
    defaults = [field.initial for field in fields if field.initial is not REQUIRED]
    names = [field.name for field in fields]
    return namedtuple("TodoState", names, defaults=defaults)  # noqa: PYI024 - it has defaults


class TodoState(_values()):  # type: ignore[misc]
    """All stored values of a todo; `metadata` is canonical JSON, `tags` are sorted names.

    `recurrence` is JSON with sorted keys.

    `position` is None in a new todo that is to stand behind all others, until it is inserted.
    Its fields are those of the table of fields. The ones here are for the type checker: code uses
    them by name.
    """

    __slots__ = ()

    id: UUID
    owner_id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    description: str | None
    status: int
    priority: int
    due_at: datetime | None
    due_date: date | None
    due_time_zone: str | None
    start_at: datetime | None
    start_date: date | None
    recurrence: str | None
    completed_at: datetime | None
    estimated_minutes: int | None
    tags: tuple[str, ...]
    metadata: str
    version: int
    deleted_at: datetime | None
    list_id: UUID | None
    section_id: UUID | None
    parent_id: UUID | None
    position: str
    assignee_id: UUID | None
    subtask_count: int
    completed_subtask_count: int

    @classmethod
    def new(cls, id: UUID, owner_id: UUID, edit: TodoEdit, now: datetime) -> Self:
        """A new todo with these values."""
        completed_at = now if edit.get("status") == Status.COMPLETED else None
        return cls(id, owner_id, created_at=now, updated_at=now, completed_at=completed_at, **edit)

    @classmethod
    def from_row(cls, row: Values) -> Self:
        """The state in a row of the todos table with its tags' names."""
        values = list(_read_columns(row))
        if (metadata := values[METADATA]) != NO_METADATA:
            values[METADATA] = canonical_json(orjson.loads(metadata))
        values[TAGS] = tuple(values[TAGS])
        if (recurrence := values[RECURRENCE]) is not None:
            values[RECURRENCE] = sorted_json(orjson.loads(recurrence))
        return tuple.__new__(cls, values)

    def _replace(self, /, **values: Any) -> Self:
        """A copy with other values; that of named tuples takes thrice as long, since it looks for each field."""
        copy = list(self)
        for name, value in values.items():
            copy[INDEXES[name]] = value
        return tuple.__new__(type(self), copy)

    def as_row(self) -> dict[str, Any]:
        """The values by column name, and the tags."""
        return dict(zip(COLUMNS, self, strict=True))

    def as_written(self, columns: Sequence[str]) -> dict[str, Any]:
        """The values of these columns as they are written; some follow from others."""
        return dict(zip(columns, _getter(tuple(columns))(self), strict=True))

    @property
    def search_text(self) -> str:
        """The text that searches compare."""
        return search_text(self.title, self.description)

    @property
    def dates(self) -> TodoDates:
        """What its relative reminders follow from."""
        return TodoDates(*DATES(self))

    @property
    def due_on(self) -> date | None:
        """The day on which it is due: of a moment in its time zone, UTC without one."""
        return self.due_date or (self.due_at and day_of(self.due_at, time_zone(self.due_time_zone)))

    @property
    def start_on(self) -> date | None:
        """The day on which it starts: of a moment in the zone in which it is due, UTC without one."""
        zone = self.due_time_zone
        return self.start_date or (self.start_at and day_of(self.start_at, time_zone(zone)))

    def with_edit(self, edit: TodoEdit, now: datetime) -> Self:
        """This todo after an edit; `completed_at` follows the status."""
        completed = edit.get("status", self.status) == Status.COMPLETED
        todo = self._replace(**edit, completed_at=(self.completed_at or now) if completed else None)
        return todo._replace(tags=as_carried(todo.tags, self.tags)) if "tags" in edit else todo


async def read_states(rows: Iterable[Values]) -> dict[UUID, TodoState]:
    """The states in rows by their ids, with pauses between many."""
    time_slice = TimeSlice()
    states: dict[UUID, TodoState] = {}
    for row in rows:
        await time_slice.checkpoint()
        states[row["id"]] = TodoState.from_row(row)
    return states


def sorted_json(value: Any) -> str:
    """A value as JSON, the same text for equal values of texts, whole numbers and Booleans."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


@lru_cache
def _getter(columns: tuple[str, ...]) -> Callable[[TodoState], tuple[Any, ...]]:
    return attrgetter(*columns)


COLUMNS: tuple[str, ...] = TodoState._fields
INDEXES = {name: index for index, name in enumerate(COLUMNS)}
METADATA, TAGS, RECURRENCE = INDEXES["metadata"], INDEXES["tags"], INDEXES["recurrence"]
_read_columns = itemgetter(*COLUMNS)
PLACEMENT = attrgetter(*(field.name for field in stored_fields() if field.is_placement))
"""The values that say where a todo stands."""
STORED_COLUMNS = tuple(field.name for field in stored_fields() if field.has_column)
DATES = attrgetter(*DATE_COLUMNS)
"""When a todo is due and starts."""
SCHEDULE_NAMES = ("recurrence", *DATE_COLUMNS)
SCHEDULE = attrgetter(*SCHEDULE_NAMES)
"""The same, and how it repeats."""
TEXT_NAMES = tuple(field.name for field in stored_fields() if field.searched)
TEXTS = attrgetter(*TEXT_NAMES)
"""The values that searches look through."""
EVER_CHANGING = frozenset(
    [
        "id",
        "owner_id",
        "status",
        "priority",
        "completed_at",
        "version",
        "created_at",
        "updated_at",
        "deleted_at",
    ]
)
DETAIL_NAMES = tuple(
    field.name
    for field in stored_fields()
    if field.has_column and not field.is_placement and field.name not in EVER_CHANGING
    if not field.searched and field.name not in SCHEDULE_NAMES
)
DETAILS = attrgetter(*DETAIL_NAMES)
"""The values besides texts, dates and placement that most changes leave as they are."""
WRITTEN_COLUMNS = (*STORED_COLUMNS, "search_text", "due_on", "start_on")
"""The columns of a row to write: those of the fields, and what is derived from them."""


def schedule_of(todo: TodoState) -> TodoEdit:
    """The edit that sets when a todo is due and starts, and how it repeats."""
    return dict(zip(SCHEDULE_NAMES, SCHEDULE(todo), strict=True))
