"""What clients ask of their inbox."""

from datetime import datetime

import strawberry
from strawberry import UNSET, Maybe

from todo_gql.features.notifications.enums import NotificationKind


@strawberry.input(
    description="All parts given must hold; null is the same as absent. What is archived or snoozed is "
    "left out unless it is asked for."
)
class NotificationFilter:
    """Which notifications to show."""

    kind: list[NotificationKind] | None = strawberry.field(
        default=UNSET, description="Of one of these kinds."
    )
    is_read: bool | None = strawberry.field(default=UNSET, description="Whether it is read.")
    is_archived: bool | None = strawberry.field(
        default=UNSET,
        description="True: only what is archived, snoozed or not. False or absent: none of it.",
    )
    is_snoozed: bool | None = strawberry.field(
        default=UNSET,
        description="True: only what is snoozed now. False or absent: none of it, but of what is archived "
        "all.",
    )


@strawberry.input(one_of=True, description="What to do with every notification.")
class NotificationAction:
    """Exactly one of these."""

    set_read: Maybe[bool] = strawberry.field(description="Mark them as read, or as unread.")
    snooze_until: Maybe[datetime] = strawberry.field(
        description="Hide them until then; a moment that has passed shows them again."
    )
    set_archived: Maybe[bool] = strawberry.field(description="Archive them, or move them back.")
