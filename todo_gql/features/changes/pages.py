"""Pages of the viewer's feed."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from todo_gql.api.connections import Page, PageArguments, fetch_page
from todo_gql.changelog.access import CHANGE_COLUMNS, own_changes
from todo_gql.changelog.cursors import LogPosition, feed_keyset
from todo_gql.changelog.positions import Log
from todo_gql.changelog.spans import has_todo_before
from todo_gql.database.connection import Row
from todo_gql.database.models import ChangeKind
from todo_gql.features.changes.list_filter import concerns
from todo_gql.features.changes.reading import checked_log, checked_position, read_part
from todo_gql.features.todos.redaction import redacted, redacted_todo_changes
from todo_gql.features.todos.types import ENTRIES, ChangeConnection, FeedConnection
from todo_gql.security.authentication import Viewer

DEFAULT: Final = 50
MAX_READ: Final = 1_000
"""About how many changes are read for a page of what concerns one list."""


async def change_page(viewer: Viewer, arguments: PageArguments) -> ChangeConnection:
    """A page of the changes of todos in the viewer's feed; `BadUserInput` for a cursor of anything else.

    Whether the feed has spans is read last, so that none is read over that is stored meanwhile.
    """
    size, after = arguments.size(DEFAULT), arguments.after
    position = checked_position(viewer.id, after) if after is not None else None
    if viewer.is_member:
        log = await checked_log(viewer.id, position)
        if log.has_spans:
            return await _spanned_changes(viewer, log, position, size)
    keyset = feed_keyset(viewer.id)
    page = await fetch_page(own_changes(viewer), CHANGE_COLUMNS, keyset, arguments)
    log = await checked_log(viewer.id, position)
    if log.has_spans:
        return await _spanned_changes(viewer, log, position, size)
    if viewer.has_company:
        shown: Sequence[Any] = await redacted_todo_changes(viewer, page.rows)
        return ChangeConnection.of_redacted(page._replace(rows=shown))
    return await ChangeConnection.of(page)


async def _spanned_changes(
    viewer: Viewer, log: Log, position: LogPosition | None, size: int
) -> ChangeConnection:
    def is_of_todo(row: Row) -> bool:
        return bool(row["kind"] == ChangeKind.TODO)

    async def has_previous() -> bool:
        return position is not None and await has_todo_before(viewer.id, position.seq)

    read, keyset = await read_part(log, position, is_of_todo, size), feed_keyset(viewer.id)
    rows = await redacted(viewer, read.rows, has_spans=True)
    return ChangeConnection.of_redacted(Page(rows, keyset, has_previous, read.has_more))


async def feed_page(
    viewer: Viewer, arguments: PageArguments, list_id: UUID | None
) -> FeedConnection:
    """A page of the viewer's feed, or of what concerns a list in it; `BadUserInput` as `change_page`."""
    size, after = arguments.size(DEFAULT), arguments.after
    position = checked_position(viewer.id, after) if after is not None else None
    log, keyset = await checked_log(viewer.id, position), feed_keyset(viewer.id)

    def is_entry(row: Row) -> bool:
        return row["kind"] in ENTRIES and concerns(row, list_id)

    read = await read_part(log, position, is_entry, size, MAX_READ)
    rows = await redacted(viewer, read.rows, has_spans=log.has_spans)
    has_previous = position is not None and position.seq >= log.oldest
    ends = [read.rows[0] if read.rows else read.last, read.last] if read.last else []
    return FeedConnection.of(Page(ends, keyset, has_previous, read.has_more), rows)
