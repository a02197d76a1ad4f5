"""The subscription to the viewer's change log."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import strawberry
from strawberry import UNSET

from todo_gql.api.cost_weights import COST_WEIGHT, FILTER
from todo_gql.api.page_arguments import After
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.changelog import feed_registry
from todo_gql.changelog.feeds import Feed
from todo_gql.changelog.positions import ChangesLost, read_log, retry_until_available
from todo_gql.database.connection import Row, Values
from todo_gql.database.models import ChangeKind
from todo_gql.features.changes.filter_matching import FilterResults, MatchedChange
from todo_gql.features.changes.following import charge_skipped, followed, redacted_now, shown
from todo_gql.features.changes.list_filter import ListIdArgument, concerns, parsed_list_id
from todo_gql.features.todos.filters import filtered_todos
from todo_gql.features.todos.inputs import TodoFilter, unset_to_none
from todo_gql.features.todos.types import (
    ENTRIES,
    Change,
    CommentChange,
    ListChange,
    MemberChange,
)
from todo_gql.operation.clock import FilterClock
from todo_gql.operation.context import Context, Info
from todo_gql.security.sliding_window import EVENTS

# The cost of evaluating a filter, besides 1 for each change, and of using a cached result.
FILTER_COST: Final = 10
CACHED_FILTER_COST: Final = 1
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
ChangeEvents: TypeAlias = AsyncGenerator[ChangeEvent, None]


FeedEvent: TypeAlias = Annotated[
    Change | ListChange | MemberChange | CommentChange | ResyncRequired,
    strawberry.union("FeedEvent", description="What a subscription to the feed tells."),
]
FeedEvents: TypeAlias = AsyncGenerator[FeedEvent, None]


@strawberry.type
class ChangeSubscription:
    """The subscription fields of the feed."""

    @strawberry.subscription(
        description="Every change to the viewer's todos after the cursor, in order, first those "
        "missed and then each as it is made; without a cursor, from now on. After ResyncRequired "
        "it completes.",
        metadata=scoped(TokenScope.TODOS_READ),
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
    ) -> ChangeEvents:
        context = info.context
        viewer = context.signed_in()
        todo_filter = unset_to_none(filter)
        # An invalid filter is an error of the subscription, and not of its first event.
        filtered_todos(viewer, todo_filter, FilterClock(context.now))
        return _changes(context, unset_to_none(after), todo_filter)

    @strawberry.subscription(
        description="Everything that the viewer can see and that happens, after the cursor, in order: first "
        "what was missed and then each entry as it is made; without a cursor, from now on. After "
        "ResyncRequired it completes.",
        metadata=scoped(TokenScope.TODOS_READ),
    )
    async def feed(
        self,
        info: Info,
        after: After = UNSET,
        list_id: ListIdArgument = UNSET,
    ) -> FeedEvents:
        context = info.context
        context.signed_in()
        return _entries(context, unset_to_none(after), parsed_list_id(list_id))


async def _matched_changes(
    context: Context, feed: Feed, todo_filter: TodoFilter | None, rows: list[Row]
) -> list[MatchedChange]:
    """Those of some changes that the filter concerns; waits until the viewer's budget allows it."""
    if todo_filter is None:
        return [MatchedChange(row, matches=True) for row in rows]
    viewer, results = context.signed_in(), feed.cache(FilterResults)
    is_cached = results.is_cached(viewer, todo_filter, rows)
    cost = CACHED_FILTER_COST if is_cached else FILTER_COST + len(rows)
    await context.limits.take_in_time(viewer.caller, EVENTS, cost)
    return await retry_until_available(partial(results.of, viewer, todo_filter, rows))


async def _changes(
    context: Context, after: str | None, todo_filter: TodoFilter | None
) -> ChangeEvents:
    viewer = context.signed_in()
    with feed_registry.feeds().subscribed(viewer.id) as feed:
        try:
            async with aclosing(followed(context, feed, after)) as chunks:
                async for chunk in chunks:
                    # The others are read too: the feed takes a missing number for a loss.
                    rows = [row for row in chunk if row["kind"] == ChangeKind.TODO]
                    if not rows:
                        await charge_skipped(context)
                        continue
                    for change in await _matched_changes(context, feed, todo_filter, rows):
                        row = await shown(context, feed, change.row)
                        context.begin_event(partial(feed.shared, viewer))
                        yield _change(row, matches=change.matches)
        except ChangesLost:
            yield await _resync(viewer.id)


def _change(row: Values, *, matches: bool) -> Change:
    make = Change.from_row if isinstance(row, Row) else Change.from_redacted
    return make(row, matches=matches)


async def _entries(context: Context, after: str | None, list_id: UUID | None) -> FeedEvents:
    viewer = context.signed_in()
    with feed_registry.feeds().subscribed(viewer.id) as feed:
        feed.read_with_spans()
        try:
            async with aclosing(followed(context, feed, after)) as chunks:
                async for chunk in chunks:
                    rows = [
                        row for row in chunk if row["kind"] in ENTRIES and concerns(row, list_id)
                    ]
                    if not rows:
                        await charge_skipped(context)
                    for row in rows:
                        entry = await redacted_now(context, feed, row)
                        context.begin_event(partial(feed.shared, viewer))
                        yield ENTRIES[row["kind"]](entry)
        except ChangesLost:
            yield await _resync(viewer.id)


async def _resync(owner_id: UUID) -> ResyncRequired:
    log = await retry_until_available(partial(read_log, owner_id))
    return ResyncRequired(reason=REASON, cursor=log.end)
