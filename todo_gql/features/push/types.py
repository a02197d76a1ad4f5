"""Push subscriptions as the schema shows them."""

from datetime import datetime

import strawberry

from todo_gql.api.node import Node
from todo_gql.database.connection import Values
from todo_gql.execution import ConvertedColumn, RowType


@strawberry.type(
    description="A browser that the viewer's notifications are pushed to, for as long as the session "
    "lasts that subscribed it."
)
class PushSubscription(Node):
    """A row of push_subscriptions."""

    user_agent: str | None = strawberry.field(
        description="What the browser said it is when it subscribed."
    )
    created_at: datetime = strawberry.field(description="When it subscribed first.")
    last_error: str | None = strawberry.field(
        description="Why the last message wasn't accepted, in English; null once one is."
    )

    @classmethod
    def from_row(cls, row: Values) -> "PushSubscription":
        """The subscription in a row."""
        return PUSH_SUBSCRIPTIONS.lazy(row)


PUSH_SUBSCRIPTIONS = RowType(
    PushSubscription,
    id=ConvertedColumn("id", str),
    user_agent="user_agent",
    created_at="created_at",
    last_error="last_error",
)
