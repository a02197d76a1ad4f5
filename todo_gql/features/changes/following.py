"""What the subscriptions to a feed have in common: where they begin, and what is shown of each change."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from todo_gql.changelog.feeds import Feed
from todo_gql.changelog.positions import ChangesLost, position_of, read_log, retry_until_available
from todo_gql.changelog.spans import has_source, is_foreign
from todo_gql.database.connection import Row
from todo_gql.features.todos.redaction import IS_VISIBLE, may_move, redacted
from todo_gql.operation.context import Context
from todo_gql.security.sliding_window import EVENTS

SKIPPED_COST: Final = 1
"""The cost of up to 100 changes of which none is sent."""


async def followed(
    context: Context, feed: Feed, after: str | None
) -> AsyncGenerator[list[Row], None]:
    """Yield the changes of the viewer's feed after a cursor in chunks, without end; without it, new ones.

    `ChangesLost` if the feed doesn't continue from the cursor, or from what was yielded.
    """
    owner_id = context.signed_in().id
    start = position_of(owner_id, after) if after is not None else None
    log = await retry_until_available(partial(read_log, owner_id, start))
    if after is not None and (start is None or not log.continues_from(start)):
        raise ChangesLost
    if log.has_spans:
        feed.read_with_spans()
    feed.start(log.newest)
    async with aclosing(feed.after(start or log.newest)) as chunks:
        async for chunk in chunks:
            yield chunk


async def charge_skipped(context: Context) -> None:
    """Wait until the viewer's budget allows to skip a chunk of changes."""
    await context.limits.take_in_time(context.signed_in().id.int, EVENTS, SKIPPED_COST)


async def shown(context: Context, feed: Feed, row: Row) -> Row | Mapping[str, Any]:
    """A change of a todo as the viewer may see it now: as it is, unless others' lists are concerned."""
    spanned, moved = has_source([row]), may_move(row["diff"])
    # Somebody else may have moved the todo to a list of theirs, or got the list by a transfer.
    if spanned and (is_foreign(row) or row["list_id"] is not None or moved):
        return await redacted_now(context, feed, row)
    if moved and context.signed_in().has_company:
        return await redacted_now(context, feed, row)
    return row


async def redacted_now(context: Context, feed: Feed, row: Row) -> Mapping[str, Any]:
    """A change of a feed with spans, redacted at this moment.

    What was loaded for other events isn't used for one of what the viewer doesn't see any more.
    """
    viewer = context.signed_in()
    redact = partial(redacted, viewer, [row], has_spans=has_source([row]))
    [entry] = await retry_until_available(redact)
    if not entry[IS_VISIBLE]:
        feed.clear_caches()
    return entry
