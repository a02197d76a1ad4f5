"""The subscription to the viewer's inbox."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import TypeAlias

import strawberry

from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.changelog import feed_registry
from todo_gql.changelog.positions import retry_until_available
from todo_gql.database.connection import Row
from todo_gql.features.notifications.types import Notification
from todo_gql.inbox.watchers import WatchedInboxes, newest_seq
from todo_gql.operation.context import Context, Info
from todo_gql.security.authentication import Viewer
from todo_gql.security.sliding_window import EVENTS

Events: TypeAlias = AsyncGenerator[Notification, None]

# The cost of a notification that is hidden.
SKIPPED_COST = 1


@strawberry.type
class NotificationSubscription:
    """The subscription field of notifications."""

    @strawberry.subscription(
        description="The viewer's inbox as it grows: each notification when it is entered, and again "
        "whenever it is counted up, or its snooze has ended.",
        metadata=scoped(TokenScope.PROFILE_READ),
    )
    async def notifications(self, info: Info) -> Events:
        return _events(info.context, info.context.signed_in())


async def _events(context: Context, viewer: Viewer) -> Events:
    watched = feed_registry.follower(WatchedInboxes)
    start = await retry_until_available(partial(newest_seq, viewer.id))
    with watched.subscribed(viewer.id) as inbox:
        share = partial(inbox.shared, viewer)
        async with aclosing(inbox.after(start)) as chunks:
            async for rows in chunks:
                for row in rows:
                    context.begin_event(share)
                    if _is_hidden(row, context):
                        await context.limits.take_in_time(viewer.caller, EVENTS, SKIPPED_COST)
                    else:
                        yield Notification.from_row(row)


def _is_hidden(row: Row, context: Context) -> bool:
    """Whether it was archived or snoozed by the time that it is read."""
    if row["snoozed_until"] is None:
        return row["archived_at"] is not None
    context.use_event_loaders()
    return row["archived_at"] is not None or row["snoozed_until"] > context.now
