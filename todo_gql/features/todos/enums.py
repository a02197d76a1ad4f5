"""The enums of todos as the schema shows them; their values are those of the database."""

from enum import Enum

import strawberry

from todo_gql.database.models import Priority, Status


@strawberry.enum(description="Where a todo stands.")
class TodoStatus(Enum):
    """The model's statuses."""

    PENDING = strawberry.enum_value(Status.PENDING.value, description="Not begun.")
    IN_PROGRESS = strawberry.enum_value(Status.IN_PROGRESS.value, description="Begun.")
    COMPLETED = strawberry.enum_value(Status.COMPLETED.value, description="Done.")
    CANCELLED = strawberry.enum_value(Status.CANCELLED.value, description="Given up.")


@strawberry.enum(description="How much a todo matters: LOW < MEDIUM < HIGH < URGENT.")
class TodoPriority(Enum):
    """The model's priorities."""

    LOW = strawberry.enum_value(Priority.LOW.value, description="Whenever there is time.")
    MEDIUM = strawberry.enum_value(Priority.MEDIUM.value, description="The usual.")
    HIGH = strawberry.enum_value(Priority.HIGH.value, description="Soon.")
    URGENT = strawberry.enum_value(Priority.URGENT.value, description="Before all else.")
