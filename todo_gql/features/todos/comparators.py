"""Comparators: what a filter may ask of one field.

`filters.py` turns their operators into SQL by name, so that an operator means the same in all of them.
"""

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry import UNSET

from todo_gql.api.cost_weights import COST_WEIGHT, EVERY_TAG, SEARCH, TAG, CostWeight
from todo_gql.features.todos.enums import DayGroup, TodoPriority, TodoStatus


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


@strawberry.input(description="Compares an id that may be null.")
class NullableIdComparator:
    """On the id of another thing, which a todo may have."""

    eq: strawberry.ID | None = optional("This id.")
    in_: list[strawberry.ID] | None = optional("One of these ids; at most 100.", "in")
    not_in: list[strawberry.ID] | None = optional("None of these ids, or null; at most 100.")
    is_null: bool | None = optional("Whether there is none.")


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
    description="Compares a day, in the viewer's time zone: a date, or the day of a moment. All bounds "
    "given must hold; null is neither before nor after."
)
class DayComparator:
    """On the day that a todo is due, or starts."""

    in_: list[DayGroup] | None = optional("In one of these groups.", "in")
    gte: date | None = optional("This day or a later one.")
    lte: date | None = optional("This day or an earlier one.")
    gte_days: int | None = optional(
        "So many days from today or later: 0 for today, 1 for tomorrow, -1 for yesterday."
    )
    lte_days: int | None = optional("So many days from today or earlier.")
    is_null: bool | None = optional("Whether there is none.")


@strawberry.input(description="Compares a text.")
class StringComparator:
    """On a text, which may be null."""

    eq: str | None = optional("Exactly this text.")
    in_: list[str] | None = optional("One of these texts; at most 100.", "in")
    not_in: list[str] | None = optional("None of these texts, or no text; at most 100.")
    contains: str | None = optional(
        "Case-insensitive substring; % and _ stand for themselves.", cost_weight=SEARCH
    )
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
