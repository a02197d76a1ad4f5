"""The fields of a todo, each declared once.

What follows from the entries: the fields of Todo and of its inputs (`types.py`, `inputs.py`), how values
are validated (`validation.py`), the state that is written (`state.py`, `write_sql.py`), what the change
log says (`history.py`), filters, also those of subscriptions, and sorting (`filters.py`,
`changes/filter_matching.py`, `sorting.py`), which columns are read (`columns.py`), and how many bytes of
an account's storage a todo takes (`storage.py`).

The order of the entries is that of the schema.
"""

from datetime import date, datetime
from typing import Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from todo_gql.api.time_zones import LocalClock, TimeZoneName
from todo_gql.database.connection import Values
from todo_gql.database.models import Priority, Status
from todo_gql.execution import ConvertedColumn
from todo_gql.features.stats.overdue import OPEN_STATUSES
from todo_gql.features.todos.canonical_json import NO_METADATA
from todo_gql.features.todos.comparators import (
    DateTimeComparator,
    IdComparator,
    NullableDateTimeComparator,
    NullableIdComparator,
    TodoPriorityComparator,
    TodoStatusComparator,
)
from todo_gql.features.todos.enums import TodoPriority, TodoStatus
from todo_gql.features.todos.field_types import ComputedField, Filter, StoredField
from todo_gql.features.todos.metadata import MAX_METADATA_BYTES, metadata
from todo_gql.features.todos.progress import SubtaskProgress
from todo_gql.features.todos.recurrence_types import RecurrenceInput, read_recurrence
from todo_gql.features.todos.tag_names import read_tags
from todo_gql.features.todos.validators import enum_number, minutes, text, unchanged, user_id

MAX_DESCRIPTION: Final = 5_000


def _is_overdue(row: Values, now: datetime) -> bool:
    if row["status"] not in OPEN_STATUSES:
        return False
    if (due_at := row["due_at"]) is not None:
        return bool(due_at < now)
    due_date = row["due_date"]
    return due_date is not None and due_date < LocalClock(now, row["viewer_time_zone"]).today


TODO_FIELDS: tuple[StoredField | ComputedField, ...] = (
    # The interface Node has its description.
    StoredField(
        name="id", graphql_type=strawberry.ID, filter=Filter(IdComparator, "By id."), logged=False
    ),
    StoredField(name="owner_id", graphql_type=UUID, logged=False),
    StoredField(
        name="title",
        graphql_type=str,
        description="1 to 200 characters, trimmed.",
        validate=text(shortest=1, longest=200),
        create="1 to 200 characters after trimming.",
        update="1 to 200 characters after trimming; can't be cleared.",
        sort="Without regard to case.",
        searched=True,
    ),
    StoredField(
        name="description",
        graphql_type=str | None,
        description="Up to 5,000 characters, as typed.",
        validate=text(longest=MAX_DESCRIPTION, multiline=True, as_typed=True),
        create="Up to 5,000 characters.",
        update="Up to 5,000 characters.",
        searched=True,
        # A character has up to four bytes.
        max_bytes=4 * MAX_DESCRIPTION,
    ),
    StoredField(
        name="status",
        graphql_type=TodoStatus,
        description="Where it stands.",
        validate=enum_number,
        create="PENDING if absent.",
        update="Can't be cleared.",
        set_all="Give them this status.",
        filter=Filter(TodoStatusComparator, "By status."),
        sort="From PENDING to CANCELLED.",
        default=Status.PENDING.value,
    ),
    StoredField(
        name="priority",
        graphql_type=TodoPriority,
        description="How much it matters.",
        validate=enum_number,
        create="MEDIUM if absent.",
        update="Can't be cleared.",
        set_all="Give them this priority.",
        filter=Filter(TodoPriorityComparator, "By priority."),
        sort="From LOW to URGENT.",
        default=Priority.MEDIUM.value,
    ),
    StoredField(
        name="due_at",
        graphql_type=datetime | None,
        description="When it is to be done; null if `dueDate` is set.",
        validate=unchanged,
        create="When it is to be done; may lie in the past.",
        update="May lie in the past. Clears `dueDate`.",
        filter=Filter(NullableDateTimeComparator, "By due date."),
        sort="When it is due.",
    ),
    # It follows the status.
    StoredField(
        name="completed_at",
        graphql_type=datetime | None,
        description="When it was completed; set exactly while status is COMPLETED.",
        filter=Filter(NullableDateTimeComparator, "By time of completion."),
        sort="When it was completed.",
    ),
    StoredField(
        name="estimated_minutes",
        graphql_type=int | None,
        description="Minutes it is thought to take.",
        validate=minutes,
        create="0 or more.",
        update="0 or more.",
    ),
    StoredField(
        name="actual_minutes",
        graphql_type=int | None,
        description="Minutes it took.",
        validate=minutes,
        update="0 or more.",
    ),
    # They are objects in `types.py`.
    StoredField(
        name="tags",
        graphql_type=list[str],
        validate=read_tags,
        create="At most 10; each 1 to 50 characters.",
        update="Replaces all tags; at most 10, each 1 to 50 characters.",
        default=(),
        clearable=True,
        has_column=False,
    ),
    StoredField(
        name="metadata",
        graphql_type=JSON,
        description="A JSON object for the client's own use, at most 16 KiB.",
        validate=metadata,
        create="A JSON object of at most 16 KiB.",
        update="Replaces the whole object; at most 16 KiB; null clears to {}.",
        default=NO_METADATA,
        clearable=True,
        max_bytes=MAX_METADATA_BYTES,
    ),
    ComputedField(
        name="is_overdue",
        graphql_type=bool,
        description="Whether it is PENDING or IN_PROGRESS, and was due before now, or on a day before "
        "today in the viewer's time zone.",
        columns=("due_at", "due_date", "status"),
        source=_is_overdue,
    ),
    ComputedField(
        name="is_completed",
        graphql_type=bool,
        description="Whether status is COMPLETED.",
        columns=("status",),
        source=ConvertedColumn("status", lambda status: status == Status.COMPLETED),
    ),
    StoredField(
        name="version",
        graphql_type=int,
        description="Raised by one with every change; pass it as `expectedVersion` to detect "
        "a lost update.",
        default=1,
        logged=False,
    ),
    StoredField(
        name="created_at",
        graphql_type=datetime,
        description="When it was made.",
        filter=Filter(DateTimeComparator, "By time of creation."),
        sort="When it was made.",
        logged=False,
    ),
    StoredField(
        name="updated_at",
        graphql_type=datetime,
        description="When it last changed.",
        filter=Filter(DateTimeComparator, "By time of the last change."),
        sort="When it last changed.",
        logged=False,
    ),
    StoredField(
        name="deleted_at", graphql_type=datetime | None, description="Set while it is in the trash."
    ),
    # What they lead to are objects in `types.py`.
    StoredField(
        name="list_id",
        graphql_type=UUID | None,
        filter=Filter(NullableIdComparator, "By list; those in the inbox are in none."),
        is_placement=True,
    ),
    StoredField(
        name="section_id",
        graphql_type=UUID | None,
        filter=Filter(NullableIdComparator, "By section of a list."),
        is_placement=True,
    ),
    StoredField(
        name="parent_id",
        graphql_type=UUID | None,
        filter=Filter(NullableIdComparator, "By parent, of which it is a subtask."),
        is_placement=True,
    ),
    # The statement that inserts the todo makes one of the number of its first change.
    StoredField(
        name="position",
        graphql_type=str,
        description="Sorts the todos of its list, or of the inbox, by code points.",
        default=None,
        sort="List after list, the inbox first, each in the order of its todos.",
        is_generated=True,
        is_placement=True,
    ),
    # It has a checked id; `assignees.py` has who may be assigned, which follows from the list.
    StoredField(
        name="assignee_id",
        graphql_type=UUID | None,
        validate=user_id,
        create="Who is to do it: oneself, or who may change the list that it is in.",
        update="Who is to do it: oneself, or who may change the list that it is in. Moving it to a list "
        "that the assignee can't change clears it.",
        filter=Filter(NullableIdComparator, "By assignee."),
        is_placement=True,
    ),
    ComputedField(
        name="progress",
        graphql_type=SubtaskProgress,
        description="How far its subtasks are.",
        columns=("subtask_count", "completed_subtask_count"),
        source=lambda row, _now: SubtaskProgress.from_row(row),
    ),
    # They follow from the subtasks.
    StoredField(name="subtask_count", graphql_type=int, default=0, logged=False, is_placement=True),
    StoredField(
        name="completed_subtask_count",
        graphql_type=int,
        default=0,
        logged=False,
        is_placement=True,
    ),
    # What `dates.py` has of them holds together.
    StoredField(
        name="due_date",
        graphql_type=date | None,
        description="The day on which it is to be done, whatever the time; null if `dueAt` is set.",
        validate=unchanged,
        create="The day on which it is to be done, in place of `dueAt`; may lie in the past.",
        update="The day on which it is to be done; clears `dueAt`. May lie in the past.",
    ),
    # What clients see of it is an object in `types.py`; `recurring.py` has what follows from it.
    StoredField(
        name="recurrence",
        graphql_type=RecurrenceInput | None,
        validate=read_recurrence,
        create="How it repeats, from its due date on, or else from the first day of the rule.",
        update="How it repeats from its due date on. Sent again as it is, it goes on as it does; it can't "
        "go on without a due date.",
    ),
    StoredField(
        name="due_time_zone",
        graphql_type=TimeZoneName | None,
        description="The zone in which `dueAt` has its day; UTC if null.",
        validate=unchanged,
        create="The zone in which `dueAt` has its day; that of the viewer's profile if absent.",
        update="The zone in which `dueAt` has its day; cleared with `dueAt`, and for a `dueAt` "
        "without one that of the viewer's profile.",
    ),
    StoredField(
        name="start_at",
        graphql_type=datetime | None,
        description="When work on it can begin.",
        validate=unchanged,
        create="When work on it can begin: not after it is due.",
        update="When work on it can begin: not after it is due. Clears `startDate`.",
    ),
    StoredField(
        name="start_date",
        graphql_type=date | None,
        description="The day on which work on it can begin; null if `startAt` is set.",
        validate=unchanged,
        create="The day on which work on it can begin, in place of `startAt`: not after it is due.",
        update="The day on which work on it can begin: not after it is due. Clears `startAt`.",
    ),
)


def stored_fields() -> list[StoredField]:
    """The entries of all stored fields, in order."""
    return [field for field in TODO_FIELDS if isinstance(field, StoredField)]
