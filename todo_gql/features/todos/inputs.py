"""What clients send about todos."""

from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET, Maybe
from strawberry.scalars import JSON

from todo_gql.api.cost_weights import (
    COMPARISON,
    COST_WEIGHT,
    EVERY_TAG,
    IN_TRASH,
    SEARCH,
    TAG,
    CostWeight,
)
from todo_gql.features.todos.types import TodoPriority, TodoStatus

Value = TypeVar("Value")


def unset_to_none(value: Value | None) -> Value | None:
    """None for an input that was left out, or else its value, which may be null."""
    return None if value is UNSET else value


def optional(
    description: str, name: str | None = None, cost_weight: CostWeight | None = None
) -> Any:
    """An input field that may be left out; `cost_weight` is its cost if it is set."""
    metadata = {COST_WEIGHT: cost_weight} if cost_weight else None
    return strawberry.field(default=UNSET, description=description, name=name, metadata=metadata)


@strawberry.input(description="Compares an id.")
class IdComparator:
    """On Todo.id."""

    eq: strawberry.ID | None = optional("This id.")
    in_: list[strawberry.ID] | None = optional("One of these ids; at most 100.", "in")
    not_in: list[strawberry.ID] | None = optional("None of these ids; at most 100.")


@strawberry.input(description="Compares a status.")
class TodoStatusComparator:
    """On Todo.status."""

    eq: TodoStatus | None = optional("This status.")
    in_: list[TodoStatus] | None = optional("One of these.", "in")
    not_in: list[TodoStatus] | None = optional("None of these.")


@strawberry.input(description="Priorities are ordered LOW < MEDIUM < HIGH < URGENT.")
class TodoPriorityComparator:
    """On Todo.priority."""

    eq: TodoPriority | None = optional("This priority.")
    in_: list[TodoPriority] | None = optional("One of these.", "in")
    not_in: list[TodoPriority] | None = optional("None of these.")
    gte: TodoPriority | None = optional("This priority or a higher one.")
    lte: TodoPriority | None = optional("This priority or a lower one.")


@strawberry.input(description="Compares a time; all bounds given must hold.")
class DateTimeComparator:
    """On a time that is always there."""

    lt: datetime | None = optional("Before.")
    lte: datetime | None = optional("Before or at.")
    gt: datetime | None = optional("After.")
    gte: datetime | None = optional("After or at.")


@strawberry.input(description="Compares a time that may be null; null is neither before nor after.")
class NullableDateTimeComparator(DateTimeComparator):
    """On a time that may be null."""

    is_null: bool | None = optional("Whether there is none.")


@strawberry.input(
    description="By tag name. An empty list in some matches nothing; in every and none it "
    "matches everything."
)
class TagComparator:
    """On Todo.tags."""

    some: list[str] | None = optional(
        "Carries at least one of these; at most 100.", cost_weight=TAG
    )
    every: list[str] | None = optional("Carries all of these.", cost_weight=EVERY_TAG)
    none: list[str] | None = optional("Carries none of these; at most 100.", cost_weight=TAG)
    is_empty: bool | None = optional("Whether it carries no tag at all.", cost_weight=TAG)


@strawberry.input(
    description="All parts given must hold; null is the same as absent. At most 50 filters, "
    "nested 5 deep."
)
class TodoFilter:
    """On todos."""

    and_: "list[TodoFilter] | None" = optional("All of these hold.", "and")
    or_: "list[TodoFilter] | None" = optional("At least one of these holds.", "or")
    not_: "TodoFilter | None" = optional("This doesn't hold.", "not")
    id: IdComparator | None = optional("By id.", cost_weight=COMPARISON)
    status: TodoStatusComparator | None = optional("By status.", cost_weight=COMPARISON)
    priority: TodoPriorityComparator | None = optional("By priority.", cost_weight=COMPARISON)
    due_at: NullableDateTimeComparator | None = optional("By due date.", cost_weight=COMPARISON)
    completed_at: NullableDateTimeComparator | None = optional(
        "By time of completion.", cost_weight=COMPARISON
    )
    created_at: DateTimeComparator | None = optional("By time of creation.", cost_weight=COMPARISON)
    updated_at: DateTimeComparator | None = optional(
        "By time of the last change.", cost_weight=COMPARISON
    )
    tags: TagComparator | None = optional("By tags.")
    is_overdue: bool | None = optional("Whether it is overdue.", cost_weight=COMPARISON)
    is_deleted: bool | None = optional(
        "True: only the trash. False or absent: all but the trash. At the top level only.",
        cost_weight=IN_TRASH,
    )
    search: str | None = optional(
        "Case-insensitive substring of title or description; % and _ stand for themselves.",
        cost_weight=SEARCH,
    )


@strawberry.enum(description="What todos can be sorted by.")
class TodoSortField(Enum):
    """The sort keys."""

    CREATED_AT = strawberry.enum_value("created_at", description="When it was made.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="When it last changed.")
    DUE_AT = strawberry.enum_value("due_at", description="When it is due.")
    COMPLETED_AT = strawberry.enum_value("completed_at", description="When it was completed.")
    PRIORITY = strawberry.enum_value("priority", description="From LOW to URGENT.")
    STATUS = strawberry.enum_value("status", description="From PENDING to CANCELLED.")
    TITLE = strawberry.enum_value("title", description="Without regard to case.")


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

    field: TodoSortField = strawberry.field(description="By what.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")
    nulls: NullsOrder = strawberry.field(
        default=NullsOrder.LAST, description="Where nulls stand, whatever the direction."
    )


@strawberry.input(description="A todo to be made; null is the same as absent.")
class TodoCreateInput:
    """The values of a new todo."""

    title: str = strawberry.field(description="1 to 200 characters after trimming.")
    id: strawberry.ID | None = optional(
        "A UUID made by the client, so that a retry creates nothing twice. It is good once, though "
        "its todo be purged."
    )
    description: str | None = optional("Up to 5,000 characters.")
    status: TodoStatus | None = optional("PENDING if absent.")
    priority: TodoPriority | None = optional("MEDIUM if absent.")
    due_at: datetime | None = optional("When it is to be done; may lie in the past.")
    estimated_minutes: int | None = optional("0 or more.")
    tags: list[str] | None = optional("At most 10; each 1 to 50 characters.")
    metadata: JSON | None = optional("A JSON object of at most 16 KiB.")


@strawberry.input(description="What to change: absent leaves as it is, null clears.")
class TodoUpdateInput:
    """The new values of a todo."""

    title: Maybe[str | None] = strawberry.field(
        description="1 to 200 characters after trimming; can't be cleared."
    )
    description: Maybe[str | None] = strawberry.field(description="Up to 5,000 characters.")
    status: Maybe[TodoStatus | None] = strawberry.field(description="Can't be cleared.")
    priority: Maybe[TodoPriority | None] = strawberry.field(description="Can't be cleared.")
    due_at: Maybe[datetime | None] = strawberry.field(description="May lie in the past.")
    estimated_minutes: Maybe[int | None] = strawberry.field(description="0 or more.")
    actual_minutes: Maybe[int | None] = strawberry.field(description="0 or more.")
    tags: Maybe[list[str] | None] = strawberry.field(
        description="Replaces all tags; at most 10, each 1 to 50 characters."
    )
    metadata: Maybe[JSON | None] = strawberry.field(
        description="Replaces the whole object; at most 16 KiB; null clears to {}."
    )


@strawberry.input(one_of=True, description="What to do with every todo.")
class TodoBulkAction:
    """Exactly one of these."""

    set_status: Maybe[TodoStatus] = strawberry.field(description="Give them this status.")
    set_priority: Maybe[TodoPriority] = strawberry.field(description="Give them this priority.")
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
