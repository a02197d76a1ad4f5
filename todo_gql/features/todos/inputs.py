"""What clients send about todos."""

from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry import UNSET, Maybe

from todo_gql.api.cost_weights import COMPARISON, IN_TRASH, SEARCH
from todo_gql.api.placement import PlacementInput
from todo_gql.features.todos.comparators import DayComparator, TagComparator, optional
from todo_gql.features.todos.field_types import REQUIRED, StoredField, with_fields
from todo_gql.features.todos.fields import stored_fields
from todo_gql.features.todos.reminder_inputs import ReminderInput

Value = TypeVar("Value")

# For types that only the table of fields knows.
maybe: Any = Maybe


def _sent_type(field: StoredField) -> Any:
    """The type of a field's values in inputs: ids are sent as such."""
    return strawberry.ID if field.value_type is UUID else field.value_type


def unset_to_none(value: Value | None) -> Value | None:
    """None for an input that was left out, or else its value, which may be null."""
    return None if value is UNSET else value


@strawberry.input(
    description="All parts given must hold; null is the same as absent. At most 50 filters, "
    "nested 5 deep."
)
@with_fields(
    [
        (
            field.name,
            field.filter.comparator | None,
            optional(field.filter.description, cost_weight=COMPARISON),
        )
        for field in stored_fields()
        if field.filter
    ],
    before="tags",
)
class TodoFilter:
    """On todos: a comparator for each field that has a filter, and these."""

    and_: "list[TodoFilter] | None" = optional("All of these hold.", "and")
    or_: "list[TodoFilter] | None" = optional("At least one of these holds.", "or")
    not_: "TodoFilter | None" = optional("This doesn't hold.", "not")
    tags: TagComparator | None = optional("By tags.")
    due: DayComparator | None = optional("By the day that it is due.", cost_weight=COMPARISON)
    start: DayComparator | None = optional("By the day that it starts.", cost_weight=COMPARISON)
    is_overdue: bool | None = optional("Whether it is overdue.", cost_weight=COMPARISON)
    is_recurring: bool | None = optional("Whether it repeats.", cost_weight=COMPARISON)
    is_snoozed: bool | None = optional(
        "Whether the viewer has put it off until after now.", cost_weight=COMPARISON
    )
    is_deleted: bool | None = optional(
        "True: only the trash. False or absent: all but the trash. At the top level only.",
        cost_weight=IN_TRASH,
    )
    search: str | None = optional(
        "Title or description contains this text, whatever its case, or has a word that begins with each "
        "of its words, in any order. If fewer than 10 todos do, also those with similar words of 4 or "
        "more Latin letters, 100 at most; not in subscriptions. % and _ stand for themselves. Without "
        "`sort`, up to 500 matches come best first, if this is at the top level: by how they match, title "
        "before description, open before done; of more the newest come first.",
        cost_weight=SEARCH,
    )


def parts_of(todo_filter: TodoFilter) -> list[TodoFilter]:
    """The filters that a filter combines."""
    parts = [*(unset_to_none(todo_filter.and_) or ()), *(unset_to_none(todo_filter.or_) or ())]
    other = unset_to_none(todo_filter.not_)
    return parts if other is None else [*parts, other]


DAY_SORTS = {
    "due": "By the day that they are due: on each day first what is due at a moment, earliest first.",
    "start": "By the day that they start: on each day first what starts at a moment, earliest first.",
}


def _sort_field() -> Any:
    """The enum of the fields to sort by, whose values are their names.

    The first ones stay in the order in which the schema has always had them.
    """
    first = ("created_at", "updated_at", "due_at", "completed_at", "priority", "status", "title")
    fields = [field for field in stored_fields() if field.sort]
    fields.sort(key=lambda field: first.index(field.name) if field.name in first else len(first))
    members = {
        field.name.upper(): strawberry.enum_value(field.name, description=field.sort)
        for field in fields
    }
    for name, description in DAY_SORTS.items():
        members[name.upper()] = strawberry.enum_value(name, description=description)
    sort_field: Any = Enum("TodoSortField", members)  # type: ignore[misc]
    return strawberry.enum(sort_field, description="What todos can be sorted by.")


@strawberry.enum(description="Which way to sort.")
class SortDirection(Enum):
    """Up or down."""

    ASC = strawberry.enum_value("ASC", description="Smallest, earliest first.")
    DESC = strawberry.enum_value("DESC", description="Greatest, latest first.")


@strawberry.enum(description="Where nulls stand, whatever the direction.")
class NullsOrder(Enum):
    """First or last."""

    FIRST = strawberry.enum_value("FIRST", description="Before everything else.")
    LAST = strawberry.enum_value("LAST", description="After everything else.")


@strawberry.input(description="A key to sort todos by; the id is always the last key.")
class TodoSort:
    """One key of an order."""

    field: Enum = strawberry.field(description="By what.", graphql_type=_sort_field())
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")
    nulls: NullsOrder = strawberry.field(
        default=NullsOrder.LAST, description="Where nulls stand, whatever the direction."
    )


@strawberry.input(
    name="TodoPlaceInput",
    description="Where a todo is to stand. Absent stays as it is; `listId: null` is the inbox, "
    "`parentId: null` the top, `sectionId: null` no section. In another list it is at the top and in no "
    "section unless they are given, and its subtasks go along. A subtask is in the list of its parent.",
)
class TodoPlacementInput:
    """Of a todo that is created or moved."""

    list_id: Maybe[strawberry.ID | None] = strawberry.field(
        description="A list, or null for the inbox; that of the parent if only a parent is given."
    )
    section_id: Maybe[strawberry.ID | None] = strawberry.field(description="A section of the list.")
    parent_id: Maybe[strawberry.ID | None] = strawberry.field(
        description="The todo that it is to be a subtask of: 5 deep at most, 500 of one todo."
    )
    placement: PlacementInput | None = optional(
        "Where among all todos of the list, or of the inbox; in another list the end if absent.",
        "place",
    )


@strawberry.input(description="A todo to be made; null is the same as absent.")
@with_fields(
    [
        (field.name, _sent_type(field) | None, optional(field.create))
        for field in stored_fields()
        if field.create and field.initial is not REQUIRED
    ]
)
@with_fields(
    [
        (field.name, field.graphql_type, strawberry.field(description=field.create))
        for field in stored_fields()
        if field.create and field.initial is REQUIRED
    ],
    before="id",
)
class TodoCreateInput:
    """The values of a new todo: all fields that are set by `create`, and its id."""

    id: strawberry.ID | None = optional(
        "A UUID made by the client, so that a retry creates nothing twice. It is good once, though "
        "its todo be purged."
    )
    to: TodoPlacementInput | None = optional(
        "Where it is to stand: at the end of the inbox if absent."
    )
    reminders: list[ReminderInput] | None = optional("The viewer's reminders of it, at most 10.")


@strawberry.input(description="What to change: absent leaves as it is, null clears.")
@with_fields(
    [
        (field.name, maybe[_sent_type(field) | None], strawberry.field(description=field.update))
        for field in stored_fields()
        if field.update
    ]
)
class TodoUpdateInput:
    """The new values of a todo: all fields that are set by `update`."""


@strawberry.input(one_of=True, description="What to do with every todo.")
@with_fields(
    [
        (f"set_{field.name}", maybe[field.value_type], strawberry.field(description=field.set_all))
        for field in stored_fields()
        if field.set_all
    ],
    before="add_tags",
)
class TodoBulkAction:
    """Exactly one of these, or a new value of a field that is set by `set_all`."""

    add_tags: Maybe[list[str]] = strawberry.field(description="Add these to the tags they carry.")
    remove_tags: Maybe[list[str]] = strawberry.field(description="Take these from their tags.")


@strawberry.enum(description="What to do when some todos of a bulk action fail.")
class BulkErrorPolicy(Enum):
    """All or some."""

    ABORT_ALL = strawberry.enum_value(
        "ABORT_ALL", description="One failing todo and nothing is changed."
    )
    SKIP_FAILED = strawberry.enum_value(
        "SKIP_FAILED", description="Failing todos are reported and the others changed."
    )
