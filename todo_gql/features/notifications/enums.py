"""The kinds of notifications as the schema shows them; their values are those of the database."""

from enum import Enum

import strawberry

from todo_gql.database import models


@strawberry.enum(description="Why somebody is notified.")
class NotificationKind(Enum):
    """The model's kinds."""

    ASSIGNED = strawberry.enum_value(
        models.NotificationKind.ASSIGNED.value, description="A todo was assigned to them."
    )
    MENTIONED = strawberry.enum_value(
        models.NotificationKind.MENTIONED.value, description="A comment mentions them."
    )
    COMMENTED = strawberry.enum_value(
        models.NotificationKind.COMMENTED.value,
        description="Somebody commented on a todo that they created, are to do or have commented on, or "
        "on any of a list of which they are notified of everything.",
    )
    COMPLETED = strawberry.enum_value(
        models.NotificationKind.COMPLETED.value,
        description="Somebody else completed such a todo.",
    )
    REMINDER = strawberry.enum_value(
        models.NotificationKind.REMINDER.value, description="A reminder of theirs is due."
    )
    INVITED = strawberry.enum_value(
        models.NotificationKind.INVITED.value, description="They are invited to a list."
    )
    MEMBERSHIP = strawberry.enum_value(
        models.NotificationKind.MEMBERSHIP.value,
        description="Who is in a list of theirs has changed.",
    )
    JOB = strawberry.enum_value(
        models.NotificationKind.JOB.value, description="Something that they started has ended."
    )
    SECURITY = strawberry.enum_value(
        models.NotificationKind.SECURITY.value,
        description="Something that protects their account has changed. It can't be switched off.",
    )


KINDS = tuple(NotificationKind)
