"""The fields of Query and Mutation for calendar feeds."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.errors import not_found
from todo_gql.api.node import parse_id
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.database.connection import fetch
from todo_gql.features.accounts.types import AcceptedPayload
from todo_gql.features.calendar_feeds.access import FEED_COLUMNS, visible_calendar_feeds
from todo_gql.features.calendar_feeds.types import CalendarFeed, CalendarFeedPayload
from todo_gql.features.calendar_feeds.writes import create_feed, delete_feed
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.operation.context import Info


@strawberry.type
class CalendarFeedQuery:
    """The query fields of calendar feeds."""

    @strawberry.field(
        description="The viewer's calendar feeds, newest first.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def calendar_feeds(self, info: Info) -> list[CalendarFeed]:
        statement = visible_calendar_feeds(info.context.signed_in())
        text = statement.select(FEED_COLUMNS, "f.created_at DESC, f.id DESC")
        return [CalendarFeed.from_row(row) for row in await fetch(text, *statement.values)]


@strawberry.type
class CalendarFeedMutation:
    """The mutation fields of calendar feeds."""

    @strawberry.mutation(
        description="Makes a secret address at which calendar programs read todos that are due; an account has "
        "20 at most. Only this answer shows the address.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def calendar_feed_create(
        self,
        info: Info,
        label: Annotated[
            str | None,
            strawberry.argument(
                description="What it is for, which programs show as the calendar's name: up to 100 "
                "characters."
            ),
        ] = UNSET,
        list_ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(
                description="The lists that it shows, 1 to 100, also of others that the viewer is in; "
                "everything of the viewer's own if null."
            ),
        ] = UNSET,
        as_events: Annotated[
            bool,
            strawberry.argument(
                description="Events, which all calendars show, or else tasks, which many leave out."
            ),
        ] = True,
    ) -> CalendarFeedPayload | None:
        return await create_feed(
            info.context, unset_to_none(label), unset_to_none(list_ids), as_events=as_events
        )

    @strawberry.mutation(
        description="Ends a calendar feed: its address opens nothing from now on.",
        metadata=scoped(TokenScope.TRANSFER),
    )
    async def calendar_feed_delete(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The feed's id.")],
    ) -> AcceptedPayload | None:
        viewer, feed_id = info.context.signed_in(), parse_id(id)
        if feed_id is None or not await delete_feed(viewer.id, feed_id):
            return AcceptedPayload(ok=False, errors=[not_found("id")])
        info.context.clear_loaders()
        return AcceptedPayload(ok=True)
