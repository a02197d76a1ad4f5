"""The enums of todos as the schema shows them; their values are those of the database."""

from enum import Enum

import strawberry

from todo_gql.database.models import Priority, ReminderAnchor, Status


@strawberry.enum(description="Where a todo stands.")
class TodoStatus(Enum):
    """The model's statuses."""

    PENDING = strawberry.enum_value(Status.PENDING.value, description="Not begun.")
    IN_PROGRESS = strawberry.enum_value(Status.IN_PROGRESS.value, description="Begun.")
    COMPLETED = strawberry.enum_value(Status.COMPLETED.value, description="Done.")
    CANCELLED = strawberry.enum_value(Status.CANCELLED.value, description="Given up.")


@strawberry.enum(
    description="Days seen from today, in the viewer's time zone. What was due before today and is not open "
    "any more is in none of them."
)
class DayGroup(Enum):
    """Groups of days, from the first to the last."""

    OVERDUE = strawberry.enum_value(
        "OVERDUE", description="Before today, and still PENDING or IN_PROGRESS."
    )
    TODAY = strawberry.enum_value(
        "TODAY", description="Today; as due days without what the viewer has snoozed."
    )
    TOMORROW = strawberry.enum_value("TOMORROW", description="Tomorrow.")
    NEXT_7_DAYS = strawberry.enum_value(
        "NEXT_7_DAYS", description="From the day after tomorrow to a week from today."
    )
    LATER = strawberry.enum_value("LATER", description="After that.")
    NONE = strawberry.enum_value("NONE", description="On no day.")


@strawberry.enum(description="How much a todo matters: LOW < MEDIUM < HIGH < URGENT.")
class TodoPriority(Enum):
    """The model's priorities."""

    LOW = strawberry.enum_value(Priority.LOW.value, description="Whenever there is time.")
    MEDIUM = strawberry.enum_value(Priority.MEDIUM.value, description="The usual.")
    HIGH = strawberry.enum_value(Priority.HIGH.value, description="Soon.")
    URGENT = strawberry.enum_value(Priority.URGENT.value, description="Before all else.")


@strawberry.enum(name="ReminderAnchor", description="What a reminder is relative to.")
class TodoAnchor(Enum):
    """The model's anchors."""

    DUE = strawberry.enum_value(ReminderAnchor.DUE.value, description="When the todo is due.")
    START = strawberry.enum_value(ReminderAnchor.START.value, description="When it starts.")


ANCHORS = dict(enumerate(TodoAnchor))
"""The anchors by their numbers in the database."""
