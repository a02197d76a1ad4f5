"""Following the viewer's change log as it grows."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Final, TypeAlias

import strawberry
from strawberry import UNSET

from todo_gql.api.cost_weights import COST_WEIGHT, FILTER
from todo_gql.changelog import live
from todo_gql.changelog.feeds import Feed
from todo_gql.changelog.positions import ChangesLost, log_of, persistently, place_of
from todo_gql.database.connection import Row
from todo_gql.features.changes.filter_matching import Matches, Told
from todo_gql.features.todos.filters import filtered_todos
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.types import Change
from todo_gql.operation.context import Context, Info
from todo_gql.security.authentication import Viewer
from todo_gql.security.sliding_window import EVENTS

# What it costs to ask a filter about changes, besides 1 for each, and to hear what it said just now.
ASKING_COST: Final = 10
SHARED_COST: Final = 1
REASON = (
    "The changes after this cursor are not kept, its own change was undone by a restored backup,"
    " or it is no cursor of yours."
)


@strawberry.type(description="The cursor given is too old or unknown: load everything again.")
class ResyncRequired:
    """What is said instead of changes that can't be given."""

    reason: str = strawberry.field(description="Why, in English.")
    cursor: str = strawberry.field(
        description="The newest cursor now: subscribe after it, then load."
    )


ChangeEvent: TypeAlias = Annotated[
    Change | ResyncRequired,
    strawberry.union("ChangeEvent", description="What a subscription to changes tells."),
]
Events: TypeAlias = AsyncGenerator[ChangeEvent, None]


@strawberry.type
class ChangeSubscription:
    """The subscription field of the change log."""

    @strawberry.subscription(
        description="Every change to the viewer's todos after the cursor, in order, first those "
        "missed and then each as it is made; without a cursor, from now on. After ResyncRequired "
        "it completes."
    )
    async def changes(
        self,
        info: Info,
        after: Annotated[
            str | None, strawberry.argument(description="Go on after this cursor.")
        ] = UNSET,
        filter: Annotated[
            TodoFilter | None,
            strawberry.argument(
                description="Only changes of todos that it matches or did match before the "
                "change, which `Change.matches` tells apart.",
                metadata={COST_WEIGHT: FILTER},
            ),
        ] = UNSET,
    ) -> Events:
        context = info.context
        viewer = context.signed_in()
        wanted = unset_to_none(filter)
        # A filter that is refused is refused now.
        filtered_todos(viewer, wanted, context.now)
        return _events(context, viewer, unset_to_none(after), wanted)


async def _told(
    context: Context, viewer: Viewer, feed: Feed, wanted: TodoFilter | None, rows: list[Row]
) -> list[Told]:
    """Which of some changes are told, once the viewer has what it costs to ask the filter."""
    if wanted is None:
        return [Told(row, matches=True) for row in rows]
    matches = feed.cache(Matches)
    is_known = matches.is_known(viewer, wanted, rows)
    cost = SHARED_COST if is_known else ASKING_COST + len(rows)
    await context.limits.take_in_time(viewer.id.int, EVENTS, cost)
    return await persistently(partial(matches.of, viewer, wanted, rows))


async def _events(
    context: Context, viewer: Viewer, after: str | None, wanted: TodoFilter | None
) -> Events:
    with live.feeds().joined(viewer) as feed:
        asked = place_of(viewer, after) if after is not None else None
        log = await persistently(partial(log_of, viewer, asked))
        if after is not None and (asked is None or not log.goes_on_from(asked)):
            yield ResyncRequired(reason=REASON, cursor=log.end)
            return
        feed.begin(log.newest)
        share = partial(feed.shared, viewer)
        try:
            async with aclosing(feed.after(asked or log.newest)) as news:
                async for rows in news:
                    for told in await _told(context, viewer, feed, wanted, rows):
                        context.begin_event(share)
                        yield Change.from_row(told.row, matches=told.matches)
        except ChangesLost:
            yield ResyncRequired(
                reason=REASON, cursor=(await persistently(partial(log_of, viewer))).end
            )
