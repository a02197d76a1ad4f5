"""What the mutations of reminders answer."""

import strawberry

from todo_gql.api.errors import UserError
from todo_gql.features.todos.types import Reminder


@strawberry.type(description="What became of a reminder.")
class ReminderPayload:
    """The answer of a mutation of one reminder."""

    reminder: Reminder | None = strawberry.field(
        description="The reminder as it is now; null if there are errors.", default=None
    )
    errors: list[UserError] = strawberry.field(
        description="What has to be mended first; empty when it worked.", default_factory=list
    )
