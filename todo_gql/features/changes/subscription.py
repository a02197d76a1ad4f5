"""The subscription to the viewer's change log."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Final, TypeAlias

import strawberry
from strawberry import UNSET

from todo_gql.api.cost_weights import COST_WEIGHT, FILTER
from todo_gql.api.page_arguments import After
from todo_gql.changelog import feed_registry
from todo_gql.changelog.feeds import Feed
from todo_gql.changelog.positions import ChangesLost, position_of, read_log, retry_until_available
from todo_gql.database.connection import Row
from todo_gql.database.models import ChangeKind
from todo_gql.features.changes.filter_matching import FilterResults, MatchedChange
from todo_gql.features.todos.filters import filtered_todos
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.types import Change
from todo_gql.operation.clock import FilterClock
from todo_gql.operation.context import Context, Info
from todo_gql.security.authentication import Viewer
from todo_gql.security.sliding_window import EVENTS

# The cost of evaluating a filter, besides 1 for each change, and of using a cached result.
FILTER_COST: Final = 10
CACHED_FILTER_COST: Final = 1
# The cost of up to 100 changes of which none is of a todo.
SKIPPED_COST: Final = 1
REASON = (
    "The changes after this cursor are not kept, its own change was undone by a restored backup,"
    " or it is no cursor of yours."
)


@strawberry.type(description="The cursor given is too old or unknown: load everything again.")
class ResyncRequired:
    """The event sent when the log doesn't continue from the cursor."""

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
        after: After = UNSET,
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
        todo_filter = unset_to_none(filter)
        # An invalid filter is an error of the subscription, and not of its first event.
        filtered_todos(viewer, todo_filter, FilterClock(context.now))
        return _events(context, viewer, unset_to_none(after), todo_filter)


async def _matched_changes(
    context: Context, viewer: Viewer, feed: Feed, todo_filter: TodoFilter | None, rows: list[Row]
) -> list[MatchedChange]:
    """Those of some changes that the filter concerns; waits until the viewer's budget allows it."""
    if todo_filter is None:
        return [MatchedChange(row, matches=True) for row in rows]
    results = feed.cache(FilterResults)
    is_cached = results.is_cached(viewer, todo_filter, rows)
    cost = CACHED_FILTER_COST if is_cached else FILTER_COST + len(rows)
    await context.limits.take_in_time(viewer.id.int, EVENTS, cost)
    return await retry_until_available(partial(results.of, viewer, todo_filter, rows))


async def _events(
    context: Context, viewer: Viewer, after: str | None, todo_filter: TodoFilter | None
) -> Events:
    # Of the log that is read; the viewer decides what is seen of each change.
    owner_id = viewer.id
    with feed_registry.feeds().subscribed(owner_id) as feed:
        start = position_of(owner_id, after) if after is not None else None
        log = await retry_until_available(partial(read_log, owner_id, start))
        if after is not None and (start is None or not log.continues_from(start)):
            yield ResyncRequired(reason=REASON, cursor=log.end)
            return
        feed.start(log.newest)
        share = partial(feed.shared, viewer)
        try:
            async with aclosing(feed.after(start or log.newest)) as chunks:
                async for chunk in chunks:
                    # The others are read too: the feed takes a missing number for a loss.
                    rows = [row for row in chunk if row["kind"] == ChangeKind.TODO]
                    if not rows:
                        await context.limits.take_in_time(viewer.id.int, EVENTS, SKIPPED_COST)
                        continue
                    for change in await _matched_changes(context, viewer, feed, todo_filter, rows):
                        context.begin_event(share)
                        yield Change.from_row(change.row, matches=change.matches)
        except ChangesLost:
            yield ResyncRequired(
                reason=REASON, cursor=(await retry_until_available(partial(read_log, owner_id))).end
            )
